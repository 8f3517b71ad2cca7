import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../operator/errors.ts'
import type { Ground } from '../scenario/bed.ts'
import { stallsSince } from './busy-machine.ts'
import { type Evidence, noProcess } from './model/evidence.ts'
import { broken } from './model/model.ts'
import { livesOf } from './model/pods.ts'
import { rolloutsOf } from './model/rollouts.ts'
import { type RawObject, type State, statesOf } from './model/states.ts'
import { deletesOldPods, makeMove, pathOf, workloadsOf } from './moves.ts'
import { actMs, builds, isGood, type Plan } from './plan.ts'
import type { Level } from './program.ts'
import { ChaosWorld } from './world.ts'

/** What a run has met. */
export interface Counts {
  readonly writes: number
  /** The faults that met a request, and the moves that were made. */
  readonly faults: number
  readonly kills: number
  readonly rollouts: number
  /** What has failed in each rollback: the build, and whether cvmanager was killed or stopped meanwhile. */
  readonly rollbacks: readonly string[]
}

export interface Result {
  readonly plan: Plan
  /** What does not hold; empty if all is well. */
  readonly problems: readonly string[]
  /** What happened, and the last writes, for people. */
  readonly story: string
  readonly counts: Counts
}

/** Nothing is written for so long when all is done: several times what a reconcile waits for within a rollout. */
const quietMs = 2_500
const maxSettlingMs = 90_000
/** A version that could not be tried is tried again. */
const dueSoonMs = 15_000
/** A new process has polled, and has reconciled everything. */
const afterwardsMs = 1_500

let count = 0

/** Plays a plan, and holds what has come of it against the model. */
export async function run(ground: Ground, plan: Plan, level: Level): Promise<Result> {
  count += 1
  const namespace = `chaos-${plan.seed}-${count}`
  const world = await ChaosWorld.open({ ground, namespace, plan, level, makeMove })
  const problems: string[] = []
  const endDeletions = plan.shape.peopleDeletePods ? deletesOldPods(world) : () => undefined
  let evidence: Evidence | undefined
  try {
    await areReady(world)
    await world.starts()
    await play(world)
    await settles(world)
    evidence = await evidenceOf(world)
    problems.push(...broken(evidence))
  } catch (thrown) {
    problems.push(messageOf(thrown))
  }
  problems.push(...world.troubles)
  const story = problems.length > 0 ? await storyOf(world, evidence) : ''
  endDeletions()
  await world.stops()
  void ground.client.delete(`/api/v1/namespaces/${namespace}`).catch(() => undefined)
  const counts = {
    writes: world.proxy.writes.length,
    faults: world.faults.count,
    kills: world.killCount,
    ...countsOf(world, evidence),
  }
  return { plan, problems, story, counts }
}

function countsOf(world: ChaosWorld, evidence: Evidence | undefined): Pick<Counts, 'rollouts' | 'rollbacks'> {
  const rollouts = evidence ? rolloutsOf(evidence.states) : []
  const rollbacks = rollouts.flatMap(({ outcome, image, digest, began, ended }) => {
    if (outcome !== 'RolledBack') return []
    const build = Object.entries(builds).find(([, other]) => other.digest === digest)?.[0] ?? image
    const wasAway = world.disturbances.some(
      ({ what, from, until }) => what === noProcess && from < (ended?.at ?? from) && until > began.at,
    )
    return [`${build}${wasAway ? ', with cvmanager killed or stopped meanwhile' : ''}`]
  })
  return { rollouts: rollouts.length, rollbacks }
}

async function areReady(world: ChaosWorld): Promise<void> {
  const areReady = await waits(60_000, async () => {
    const found = await Promise.all(workloadsOf(world).map((object) => read<Scaled>(world, pathOf(object))))
    return found.every((one) => {
      if (one?.kind === 'CronJob' || one?.kind === 'Job') return true
      if (one?.kind === 'Pod') return one.status?.phase === 'Running'
      const { replicas = one?.status?.desiredNumberScheduled } = one?.spec ?? {}
      const { readyReplicas, numberReady } = one?.status ?? {}
      return replicas !== undefined && (readyReplicas ?? numberReady ?? 0) === replicas
    })
  })
  if (!areReady) throw new Error('the pods of v1 did not become ready')
}

interface Scaled {
  readonly kind: string
  readonly spec?: { readonly replicas?: number }
  readonly status?: {
    readonly phase?: string
    readonly readyReplicas?: number
    readonly numberReady?: number
    readonly desiredNumberScheduled?: number
  }
}

/** All moves, at their times; then everything heals. */
async function play(world: ChaosWorld): Promise<void> {
  const began = Date.now()
  const timed = world.plan.moves.flatMap(({ at, move }) => ('ms' in at ? [{ ms: at.ms, move }] : []))
  timed.sort((one, other) => one.ms - other.ms)
  for (const { ms, move } of timed) {
    await sleep(Math.max(0, began + ms - Date.now()))
    void world.moves(move)
  }
  await sleep(Math.max(0, began + actMs - Date.now()))
  world.faults.heal()
  world.notes('everything heals')
  await world.isStill()
}

/** Waits until it knows what the tag points at and there is nothing more to do. */
async function settles(world: ChaosWorld): Promise<void> {
  const name = world.tagMoves.at(-1)?.build
  // cvmanager answers the last move, too.
  const began = Date.now()
  const hasSettled = await waits(maxSettlingMs, async () => {
    if (Math.max(world.proxy.lastWriteAt, began) > Date.now() - quietMs) return false
    const object = await read<RawObject>(world, pathOf(world.containerVersion({})))
    const { rollout, observed, held = [] } = object?.status ?? {}
    const isDueSoon = held.some(({ until }) => until !== undefined && Date.parse(until) < Date.now() + dueSoonMs)
    const isIdle = rollout === undefined && object?.metadata.finalizers === undefined && !isDueSoon
    return isIdle && name !== undefined && observed?.digest === builds[name].digest
  })
  if (!hasSettled) world.troubles.push(`it has not come to rest in ${maxSettlingMs} ms`)
  world.notes('it has settled')
}

async function evidenceOf(world: ChaosWorld): Promise<Evidence> {
  const { ground, namespace, plan, disturbances, tagMoves } = world
  const before = (await statesIn(world)).length
  await world.restarts()
  await sleep(afterwardsMs)
  const events = await ground.cluster.auditLog({ namespace })
  const states = statesOf(events)
  const list = async (resource: string) =>
    (await ground.client.get<{ items: readonly RawObject[] }>(`/api/v1/namespaces/${namespace}/${resource}`)).items
  const workloads = await Promise.all(workloadsOf(world).map((object) => read<RawObject>(world, pathOf(object))))
  const all = Object.entries(builds)
  const present = workloads.flatMap((workload) => workload ?? [])
  return {
    states,
    lives: livesOf(events),
    disturbances: [
      ...disturbances,
      ...stallsSince(world.workedSince).map((stall) => ({ what: 'a busy machine', ...stall })),
    ],
    tagMoves: tagMoves.map(({ at, build }) => ({ at, build: builds[build], isGood: isGood(build) })),
    served: new Set(all.map(([, build]) => world.imageOf(build))),
    good: new Set(all.flatMap(([name, build]) => (isGood(name as keyof typeof builds) ? [world.imageOf(build)] : []))),
    serviceName: plan.shape.serviceName,
    isCheckedBefore: plan.shape.spec?.container?.verify !== undefined,
    lateWrites: plan.faults.filter(
      ({ fault }) => fault.fault === 'delay' || ('when' in fault && fault.when === 'during'),
    ).length,
    end: {
      containerVersion: await read<RawObject>(world, pathOf(world.containerVersion({}))),
      workloads: present,
      serving: await servingOf(world, present),
      configMaps: await list('configmaps'),
      pods: await list('pods'),
    },
    afterwards: states.slice(before).map((state) => `${state.by} ${inWords(state)}${differences(states, state)}`),
    began: world.workedSince,
    now: Date.now(),
  }
}

/** Nobody can change a Job, and it ends by itself. */
async function servingOf(world: ChaosWorld, workloads: readonly RawObject[]): Promise<readonly RawObject[]> {
  const { serviceName } = world.plan.shape
  const service = await read<RawObject>(world, `/api/v1/namespaces/${world.namespace}/services/${serviceName}`)
  const selector = Object.entries(serviceName === undefined ? {} : (service?.spec?.selector ?? {}))
  return workloads.filter(({ kind, spec }) => {
    const labels = spec?.template?.metadata?.labels ?? {}
    return kind !== 'Job' && selector.every(([key, value]) => labels[key] === value)
  })
}

async function statesIn({ ground, namespace }: ChaosWorld): Promise<readonly State[]> {
  return statesOf(await ground.cluster.auditLog({ namespace }))
}

const read = <T>({ ground }: ChaosWorld, path: string): Promise<T | undefined> =>
  ground.client.get<T>(path).catch(() => undefined)

/** @returns whether it came to hold in time */
async function waits(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > deadline) return false
    await sleep(200)
  }
  return true
}

const inWords = ({ verb, resource, object: { metadata } }: State): string =>
  `${verb} ${resource}/${metadata.name} (finalizers: ${metadata.finalizers?.length ?? 0})`

/** What a write of the ContainerVersion has changed in its status. */
function differences(states: readonly State[], { object, revision }: State): string {
  const { kind, metadata, status = {} } = object
  if (kind !== 'ContainerVersion') return kind === 'Event' ? ` ${(object as { reason?: string }).reason}` : ''
  const before = states.findLast((state) => state.object.metadata.uid === metadata.uid && state.revision < revision)
  const old: Readonly<Record<string, unknown>> = { ...before?.object.status }
  const changed = Object.entries(status).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(old[key]))
  return changed.map(([key, value]) => ` ${key}: ${JSON.stringify(old[key])} -> ${JSON.stringify(value)}`).join()
}

const maxWritesTold = 40
const maxLinesTold = 60

async function storyOf(world: ChaosWorld, evidence: Evidence | undefined): Promise<string> {
  const states = evidence?.states ?? (await statesIn(world))
  const writes = states.slice(-maxWritesTold).map((state) => {
    const { rollout, phase } = state.object.status ?? {}
    const told =
      state.object.kind === 'ContainerVersion' ? ` ${phase} ${rollout?.id ?? ''} ${rollout?.phase ?? ''}` : ''
    return `  ${new Date(state.at).toISOString()} ${state.by} ${inWords(state)}${told}`
  })
  const pods = (evidence?.lives ?? [])
    .filter((life) => life.checks)
    .map(
      ({ name, uid, sights }) =>
        `  ${name} ${uid} ${sights.map((one) => `${one.revision} ${one.end ?? 'lives'}`).join(', ')}`,
    )
  const log = (await world.log()).slice(-maxLinesTold)
  const diary = world.diary.map((line) => `  ${line}`)
  return [
    'what happened:',
    ...diary,
    'the pods of checks, by revision:',
    ...pods,
    'the last writes:',
    ...writes,
    'the end of the log:',
    ...log,
  ].join('\n')
}
