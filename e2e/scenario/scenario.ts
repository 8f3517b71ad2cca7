import type { Test } from 'tap'
import type { KubernetesObject } from '../harness/cluster.ts'
import type { Registry } from '../harness/registry.ts'
import type { Bed } from './bed.ts'
import type { Build } from './builds.ts'
import { containerVersion, type RollingKindName, type WorkloadWanted, workload } from './manifests.ts'
import { World } from './world.ts'

export interface Opening {
  readonly deployment?: string
  readonly statefulSet?: string
  readonly daemonSet?: string
  /** The workloads run it, and the tag points to it, before the scenario begins. */
  readonly running: Build
  /** The moving tag. */
  readonly follows: string
  readonly replicas?: number
  /** More of the ContainerVersion's spec. */
  readonly spec?: object
  /** More of each workload. */
  readonly workload?: Partial<WorkloadWanted>
  readonly registry?: Registry
}

/** Adds a test that runs in parallel with the others. */
export type AddTest = (name: string, body: (t: Test) => Promise<void>) => void

let count = 0

/** An empty namespace and an empty repository. */
export async function emptyWorld(t: Test, bed: Bed, registry: Registry = bed.registry): Promise<World> {
  count += 1
  const world = new World(bed, await bed.cluster.namespace(`scenario-${count}`), registry)
  t.teardown(async () => {
    if (t.passing()) return
    t.comment(`${world.namespace}: ${JSON.stringify(await world.events().catch(() => []), undefined, 1)}`)
  })
  return world
}

/**
 * Opens a scenario: workloads that run a build, a tag that points to it, and the ContainerVersion `web-cv` that follows the
 * tag. Returns when cvmanager says that the workloads are up to date.
 */
export async function scenario(t: Test, bed: Bed, opening: Opening): Promise<World> {
  const world = await emptyWorld(t, bed, opening.registry)
  await world.ciMoves(opening.follows, opening.running)
  await world.makes(...workloads(world, opening), webCv(world, opening.follows, opening.spec))
  await world.runs(opening.running)
  return world
}

/** The ContainerVersion `web-cv`, which follows the tag of the world's repository for the workloads with `cvapp: web`. */
export function webCv(world: World, tag: string, spec: object = {}, name = 'web-cv'): KubernetesObject {
  const common = { imageRepo: world.repository, tag, pollIntervalSeconds: 5, selector: { cvapp: 'web' } }
  return containerVersion(name, world.namespace, { ...common, ...spec })
}

/** Workloads with the label `cvapp: web`. */
export function workloads(
  world: World,
  opening: Pick<Opening, 'deployment' | 'statefulSet' | 'daemonSet' | 'running' | 'replicas' | 'workload'>,
): KubernetesObject[] {
  const { deployment, statefulSet, daemonSet } = opening
  const named: readonly [RollingKindName, string | undefined][] = [
    ['Deployment', deployment],
    ['StatefulSet', statefulSet],
    ['DaemonSet', daemonSet],
  ]
  return named.flatMap(([kind, name]) =>
    name === undefined
      ? []
      : [
          workload({
            kind,
            name,
            namespace: world.namespace,
            image: world.imageOf(opening.running),
            replicas: opening.replicas,
            labels: { cvapp: 'web' },
            ...opening.workload,
          }),
        ],
  )
}
