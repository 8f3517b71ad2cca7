import type { Test } from 'tap'
import { type Bed, operatorUser, projectFile } from './bed.ts'
import { type Build, build } from './builds.ts'
import { podPath } from './raw-pods.ts'
import { emptyWorld } from './scenario.ts'
import type { World } from './world.ts'

/** The versions of the application of examples/checks. */
export const [first, second, third] = ['v1.0.0', 'v1.1.0', 'v1.2.0'].map((name) => build(name)) as [Build, Build, Build]

export interface CheckPod {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly labels: Readonly<Record<string, string>>
    readonly ownerReferences: readonly { readonly kind: string; readonly name: string }[]
  }
  readonly spec: {
    readonly activeDeadlineSeconds: number
    readonly containers: readonly { readonly image: string; readonly command?: readonly string[] }[]
  }
}

/** Applies the application and one of the examples, as they are, and waits until the first version is adopted. */
export async function opened(
  t: Test,
  bed: Bed,
  example: string,
  replaced: Readonly<Record<string, string>> = {},
): Promise<World> {
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', first)
  const words = {
    'registry.example.com/shop': `${bed.registry.host}/${world.namespace}`,
    'namespace: shop': `namespace: ${world.namespace}`,
    // The simulated pods do not say what a tag has led to.
    ':v1.0.0': `:v1.0.0@${first.digest}`,
    ...replaced,
  }
  await bed.cluster.applyText(await projectFile('examples/checks/application.yaml', words))
  await bed.cluster.applyText(await projectFile(`examples/checks/${example}.yaml`, words))
  await world.runs(first, 'web')
  return world
}

export async function smokeTest({ registry, namespace }: World, tag: string): Promise<string> {
  return (await registry.push(`${namespace}/smoke`, tag, { content: tag })).digest
}

/** The pods that cvmanager has made, as it has sent them. */
export async function podsOfChecks({ bed, namespace }: World): Promise<readonly CheckPod[]> {
  const creates = await bed.cluster.auditLog({ user: operatorUser, verbs: ['create'], namespace })
  return creates
    .filter(({ objectRef, responseStatus }) => objectRef?.resource === 'pods' && responseStatus?.code === 201)
    .map(({ requestObject }) => requestObject as CheckPod)
}

export async function presentPods(world: World): Promise<readonly CheckPod[]> {
  const query = { labelSelector: 'cvmanager.io/check' }
  return (await world.bed.client.get<{ items: readonly CheckPod[] }>(podPath(world).slice(0, -1), { query })).items
}
