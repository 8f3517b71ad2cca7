import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent } from '../e2e/harness/audit.ts'
import { writeVerbs } from '../e2e/harness/audit.ts'
import type { Digest } from '../e2e/harness/images.ts'
import type { SeenRequest } from '../e2e/harness/registry-proxy.ts'
import { countBy, type Figure, type FigureSet, listed, median, quantile } from './figures.ts'
import { floorFigure, measureFloor, sumOf } from './floor.ts'
import { ImageWatch } from './image-watch.ts'
import { isPoll, pollPathOf, type Target } from './layouts.ts'
import type { Operator } from './operator.ts'
import { withOperator } from './with-operator.ts'
import { inParallel, operatorAgent, type World } from './world.ts'

const intervalSeconds = 5
const intervalMs = intervalSeconds * 1_000
/** A version takes longer than this to arrive only where something is wrong. */
const patienceMs = 10 * intervalMs
const meanPauseMs = 400
const restMs = 3_000
/** High enough that the interval decides when a tag is polled, and not the limit for one registry. */
const requestsPerSecond = 10_000

interface Change {
  readonly target: Target
  readonly digest: Digest
  /** Where in the interval between two polls the tag moves, 0 to 1. */
  readonly moment: number
}

interface Arrival {
  /** From the registry's 201 to the image seen by the watch. */
  readonly latencyMs: number
  /** From the poll's arrival at the registry to the image seen by the watch. */
  readonly reactionMs: number
}

/** W2: one tag moves at a time, at any moment, and polling finds it. */
export async function oneChange(world: World, changes: number): Promise<FigureSet> {
  const planned = await prepare(world, changes)
  const options = { intervalSeconds, requestsPerSecond }
  return await withOperator(world, options, (operator) => measure(world, operator, planned))
}

async function measure(world: World, operator: Operator, planned: readonly Change[]): Promise<FigureSet> {
  const [n, changes] = [world.targets.length, planned.length]
  const watch = await ImageWatch.start(world.api)
  try {
    const floor = await measureFloor(world)
    const since = Date.now()
    const before = world.registry.requests.length
    const arrivals = await moveAll(world, watch, planned)
    await sleep(restMs)
    await operator.assertRunning()
    const asked = world.registry.requests.slice(before).filter((request) => !isPoll(request))
    const writes = await world.cluster.auditLog({ userAgent: operatorAgent, since, verbs: writeVerbs })
    const rollouts = writes.filter(({ objectRef }) => objectRef?.resource !== 'leases')
    const latencies = arrivals.map(({ latencyMs }) => latencyMs / intervalMs)
    const reactions = arrivals.map(({ reactionMs }) => reactionMs)
    const figures: Figure[] = [
      { name: 'tags moved', value: changes },
      { name: 'of them, not seen in time', value: changes - arrivals.length, mark: { atMost: 0 } },
      { name: 'poll to patch, p50', unit: 'of the interval', value: median(latencies), mark: { atMost: 0.52 } },
      { name: 'poll to patch, p99', unit: 'of the interval', value: quantile(latencies, 0.99), mark: { atMost: 1.02 } },
      floorFigure(floor),
      { name: 'reaction, from HEAD to image seen, p50', unit: 'ms', value: median(reactions) },
      { name: 'reaction, p99', unit: 'ms', value: quantile(reactions, 0.99) },
      { name: 'reaction, p50 to the floor', unit: 'times', value: median(reactions) / sumOf(floor) },
      {
        name: 'registry requests of the search',
        unit: 'a change',
        value: asked.length / changes,
        note: listed(countBy(asked, ({ method, kind }) => `${method} ${kind}`)),
      },
      {
        name: 'image patches',
        unit: 'a change',
        value: rollouts.filter(isImagePatch).length / changes,
        mark: { atMost: 1 },
      },
      {
        name: 'API writes',
        unit: 'a change',
        value: rollouts.length / changes,
        note: listed(countBy(rollouts, kindOf)),
      },
    ]
    return { workload: 'W2', n, figures }
  } finally {
    await watch.stop()
  }
}

/**
 * Pushes the images, as CI does before it moves a tag. Each change is of another repository for as long as there is one.
 * The moments are drawn one from each of as many equal parts of the interval as there are changes: random, and evenly
 * spread. With moments drawn from the whole interval, luck alone moves the median of 200 by 0.035 of the interval.
 */
async function prepare(world: World, changes: number): Promise<readonly Change[]> {
  const targets = shuffled(world.targets)
  const parts = shuffled(Array.from({ length: changes }, (_, index) => index))
  const planned: Change[] = []
  await inParallel([...parts.entries()], async ([index, part]) => {
    const target = targets[index % targets.length] as Target
    planned[index] = { target, digest: await world.pushVersion(target), moment: (part + Math.random()) / changes }
  })
  return planned
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  const drawn = items.map((item) => ({ item, place: Math.random() }))
  return drawn.sort((one, other) => one.place - other.place).map(({ item }) => item)
}

async function moveAll(world: World, watch: ImageWatch, planned: readonly Change[]): Promise<Arrival[]> {
  const under: Promise<Arrival | undefined>[] = []
  for (const change of planned) {
    under.push(move(world, watch, change))
    // The pauses of independent events: no rhythm that the interval's could beat with.
    await sleep(-Math.log(1 - Math.random()) * meanPauseMs)
  }
  return (await Promise.all(under)).filter((arrival) => arrival !== undefined)
}

async function move(world: World, watch: ImageWatch, change: Change): Promise<Arrival | undefined> {
  const { target, digest } = change
  await sleep(untilMoment(world, change))
  await world.registry.tag(target.repository, digest, target.tag)
  const movedAt = Date.now()
  const seenAt = await watch.seen(target.name, digest, patienceMs)
  if (seenAt === undefined) return undefined
  const poll = lastPoll(world, target, seenAt)
  return { latencyMs: Math.max(0, seenAt - movedAt), reactionMs: seenAt - (poll?.at ?? movedAt) }
}

/** Milliseconds until the change's moment of the interval comes next. */
function untilMoment(world: World, { target, moment }: Change): number {
  const now = Date.now()
  const polledAt = lastPoll(world, target, now)?.at ?? now
  return (((polledAt + moment * intervalMs - now) % intervalMs) + intervalMs) % intervalMs
}

function lastPoll({ registry }: World, target: Target, until: number): SeenRequest | undefined {
  const path = pollPathOf(target)
  return registry.requests.findLast((request) => request.path === path && isPoll(request) && request.at <= until)
}

const workloads = ['deployments', 'statefulsets', 'daemonsets']

const isImagePatch = ({ verb, objectRef, requestObject }: AuditEvent): boolean =>
  verb === 'patch' && workloads.includes(objectRef?.resource ?? '') && /[/"]image"/.test(JSON.stringify(requestObject))

const kindOf = ({ verb, objectRef }: AuditEvent): string =>
  [verb, [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/')].join(' ')
