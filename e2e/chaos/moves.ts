/** The world moves, as users, CI and nodes move it: never with cvmanager's own account. */
import { setTimeout as sleep } from 'node:timers/promises'
import { containerVersionLabel } from '../../operator/api/names.ts'
import { isAlreadyExists, isNotFound } from '../../operator/kubernetes/api-error.ts'
import type { KubernetesObject } from '../harness/cluster.ts'
import { until } from '../harness/until.ts'
import { containerName } from '../scenario/manifests.ts'
import { imagesOf, type RawObject } from './model/states.ts'
import { builds, type Move } from './plan.ts'
import type { ChaosWorld } from './world.ts'

type Moves = {
  readonly [M in Move as M['move']]: (world: ChaosWorld, move: M) => Promise<void>
}

const moves: Moves = {
  tag: (world, { build }) => world.tags(build),

  edit: (world, { spec }) => edit(world, { spec }),

  'look away': async (world, { ms }) => {
    await edit(world, { spec: { selector: { cvapp: 'nothing' } } })
    const isBack = world.disturbs('the selector finds nothing')
    await sleep(ms)
    await edit(world, { spec: { selector: { cvapp: 'web' } } })
    isBack()
  },

  'set image': async (world, { of, build }) => {
    const workload = workloadOf(world, of)
    // The API server lets nobody do that.
    if (workload.kind === 'Job') return
    const containers = [{ name: containerName, image: world.imageOf(builds[build]) }]
    await change(world, workload, inPodTemplate(workload, { spec: { containers } }), 'kubectl-set')
  },

  scale: async (world, { of, replicas }) => {
    const workload = workloadOf(world, of)
    if ('replicas' in (workload.spec as object)) await change(world, workload, { spec: { replicas } }, 'kubectl')
  },

  pause: async (world, { of, ms }) => {
    const workload = workloadOf(world, of)
    if (workload.kind !== 'Deployment') return
    await change(world, workload, { spec: { paused: true } }, 'kubectl-rollout')
    const isResumed = world.disturbs('a person has paused it')
    await sleep(ms)
    await change(world, workload, { spec: { paused: null } }, 'kubectl-rollout')
    isResumed()
  },

  'remake workload': async (world, { of }) => {
    const workload = workloadOf(world, of)
    const isThere = world.disturbs('a workload is gone')
    await remove(world, workload)
    await make(world, workload)
    isThere()
  },

  'remake ContainerVersion': async (world) => {
    const object = world.containerVersion(world.plan.spec)
    await remove(world, object)
    await make(world, object)
  },

  switch: async (world) => {
    const service = world
      .manifests()
      .find(({ kind, metadata }) => kind === 'Service' && metadata.name === world.plan.shape.serviceName)
    if (!service) return
    const now = await world.ground.client.get<RawObject>(pathOf(service))
    const color = now.spec?.selector?.color === 'blue' ? 'green' : 'blue'
    await change(world, service, { spec: { selector: { color } } }, 'kubectl-patch')
  },

  'delete check pod': async ({ ground: { client }, namespace }) => {
    const pods = `/api/v1/namespaces/${namespace}/pods`
    const deadline = Date.now() + maxCheckWaitMs
    while (Date.now() < deadline) {
      const query = { labelSelector: containerVersionLabel }
      const { items } = await client.get<{ items: readonly PodInPhase[] }>(pods, { query })
      const live = items.find(({ status }) => status?.phase === 'Pending' || status?.phase === 'Running')
      if (live) return void (await client.delete(`${pods}/${live.metadata.name}`).catch(unlessGone))
      await sleep(50)
    }
  },

  kill: (world, { downMs }) => world.ends('kill', downMs),

  'hand over': (world) => world.ends('terminate', 0),

  away: async (world, { ms }) => {
    const isBack = world.disturbs('the API server is away')
    world.faults.isAway = true
    world.proxy.cut()
    await sleep(ms)
    world.faults.isAway = false
    isBack()
  },

  'late watches': async (world, { byMs, ms }) => {
    world.proxy.watchesLateMs = byMs
    await sleep(ms)
    world.proxy.watchesLateMs = 0
  },

  'watches are gone': async ({ faults }, { olderList }) => faults.endWatches(olderList),
}

type PodInPhase = Pick<RawObject, 'metadata'> & { readonly status?: { readonly phase?: string } }

/** Until there is a pod of a check, if there comes one. */
const maxCheckWaitMs = 6_000

/** Makes a move, to its end. */
export async function makeMove(world: ChaosWorld, move: Move): Promise<void> {
  await (moves[move.move] as (world: ChaosWorld, move: Move) => Promise<void>)(world, move)
}

/** Those of the ContainerVersion, as the user applied them. */
export const workloadsOf = (world: ChaosWorld): readonly KubernetesObject[] =>
  world.manifests().filter(({ metadata }) => (metadata.labels as { cvapp?: string } | undefined)?.cvapp === 'web')

function workloadOf(world: ChaosWorld, of: number): KubernetesObject {
  const all = workloadsOf(world)
  const found = all[of % all.length]
  if (found === undefined) throw new Error('a shape has workloads')
  return found
}

/** As a person does who looks after a workload whose pods nothing replaces. @returns a call that ends it */
export function deletesOldPods(world: ChaosWorld): () => void {
  const { ground, namespace } = world
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const look = async () => {
    const { items } = await ground.client.get<{ items: readonly RawObject[] }>(pods)
    const workloads = await Promise.all(
      workloadsOf(world).map((object) => ground.client.get<RawObject>(pathOf(object)).catch(() => undefined)),
    )
    const wanted = new Set(workloads.flatMap((workload) => (workload ? [...imagesOf(workload).values()] : [])))
    const old = items.filter((pod) => [...imagesOf(pod).values()].some((image) => !wanted.has(image)))
    await Promise.all(old.map(({ metadata }) => ground.client.delete(`${pods}/${metadata.name}`).catch(unlessGone)))
  }
  const timer = setInterval(() => void look().catch(() => undefined), lookEveryMs)
  return () => clearInterval(timer)
}

const lookEveryMs = 1_000

/** A patch of the pod template, wherever a kind has it. */
function inPodTemplate({ kind }: KubernetesObject, template: object): object {
  if (kind === 'Pod') return template
  return { spec: kind === 'CronJob' ? { jobTemplate: { spec: { template } } } : { template } }
}

const collectionOf = ({ apiVersion, kind, metadata: { namespace } }: KubernetesObject): string =>
  `/${apiVersion === 'v1' ? 'api' : 'apis'}/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s`

export const pathOf = (object: KubernetesObject): string => `${collectionOf(object)}/${object.metadata.name}`

const unlessGone = (thrown: unknown): void => {
  if (!isNotFound(thrown)) throw thrown
}

async function edit(world: ChaosWorld, patch: object): Promise<void> {
  const path = pathOf(world.containerVersion({}))
  await world.ground.client.mergePatch(path, patch, { query: { fieldManager: 'kubectl-patch' } }).catch(unlessGone)
}

async function change(
  { ground: { client } }: ChaosWorld,
  workload: KubernetesObject,
  patch: object,
  fieldManager: string,
): Promise<void> {
  await client.strategicPatch(pathOf(workload), patch, { query: { fieldManager } }).catch(unlessGone)
}

/** Deletes it as `kubectl delete` does, and waits until it is gone: the ContainerVersion has a finalizer during a rollout. */
async function remove({ ground: { client, cluster } }: ChaosWorld, object: KubernetesObject): Promise<void> {
  const path = pathOf(object)
  await client.delete(path, { body: { propagationPolicy: 'Background' } }).catch(unlessGone)
  const isGone = async () => (await cluster.request('GET', path)).status === 404
  await until(`${object.kind} ${object.metadata.name} to be gone`, isGone, maxDeletionMs)
}

/** A rollout that is under way is taken back first. */
const maxDeletionMs = 60_000

async function make({ ground: { client } }: ChaosWorld, object: KubernetesObject): Promise<void> {
  await client.create(collectionOf(object), object, { query: { fieldManager: 'kubectl-create' } }).catch((thrown) => {
    // Two moves made it anew.
    if (!isAlreadyExists(thrown)) throw thrown
  })
}
