/** The manifests of examples/workload-kinds in a world, and what their tests need. */
import type { Test } from 'tap'
import type { Bed } from './bed.ts'
import { type Build, build } from './builds.ts'
import { emptyWorld } from './scenario.ts'
import type { World } from './world.ts'

export const v1 = build('v1.0.0')
export const v2 = build('v1.1.0')
export const broken = build('v1.2.0-broken')
export const v3 = build('v1.3.0')
/** Their containers do not end by themselves. */
export const older = build('v0.9.0-hang')
export const oldest = build('v0.8.0-hang')

/** A workload of any kind. */
export interface Raw {
  readonly metadata: {
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly managedFields?: readonly {
      readonly manager: string
      readonly subresource?: string
      readonly fieldsV1: object
    }[]
  }
  readonly spec: {
    readonly suspend?: boolean
    readonly template?: { readonly spec: object }
    readonly jobTemplate?: {
      readonly spec: { readonly template: { readonly spec: { readonly containers?: readonly object[] } } }
    }
  }
  readonly status?: { readonly containerStatuses?: readonly { readonly name: string }[] }
}

/** Applies examples as a user does, and waits until they are adopted. @param running the image of the Job in them */
export async function opened(t: Test, bed: Bed, manifests: readonly string[], running?: Build): Promise<World> {
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', v1)
  for (const manifest of manifests) await applies(world, manifest, running)
  if (running === undefined) await world.runs(v1, 'web')
  return world
}

/** @param running the image of the Job */
export const applies = (world: World, manifest: string, running: Build = older): Promise<void> =>
  world.appliesExample(`workload-kinds/${manifest}.yaml`, {
    'registry.example.com/shop/web:v1.0.0': world.imageOf(v1),
    'registry.example.com/shop/web:v0.9.0': world.imageOf(running),
  })

interface RawPod {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly phase?: string }
}

/** The running pod of a Job. */
export async function podOf(world: World, job: string): Promise<RawPod | undefined> {
  const path = `/api/v1/namespaces/${world.namespace}/pods`
  const query = { labelSelector: `job-name=${job}` }
  const { items } = await world.bed.client.get<{ items: readonly RawPod[] }>(path, { query })
  return items.find(({ status }) => status?.phase === 'Running')
}

/** The containers of a Job end, as a kubelet says it. */
export async function ends(world: World, job: string): Promise<void> {
  let pod: RawPod | undefined
  await world.waitsFor(`the pod of ${job}`, async () => {
    pod = await podOf(world, job)
    return pod !== undefined
  })
  const path = `/api/v1/namespaces/${world.namespace}/pods/${pod?.metadata.name}/status`
  await world.bed.client.mergePatch(path, { status: { phase: 'Succeeded' } })
}
