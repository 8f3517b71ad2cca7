import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../e2e/harness/images.ts'
import { type Figure, median, quantile } from './figures.ts'
import { type Floor, floorFigure, measureFloor, sumOf } from './floor.ts'
import { ImageWatch } from './image-watch.ts'
import { isPoll, pollPathOf, type Target } from './layouts.ts'
import { untilUpToDate, withOperator } from './with-operator.ts'
import type { World } from './world.ts'

/** No poll finds a change within the run. */
const intervalSeconds = 3_600
const requestsPerSecond = 10_000
const patienceMs = 20_000
const meanPauseMs = 250
/** Between the push of an image and the move of its tag. */
const pushPauseMs = 100
/** For the last writes before the first change to be done. */
const restMs = 3_000

export interface PlannedChange {
  readonly target: Target
  /** Whether the image says its version. */
  readonly labelled: boolean
}

export interface PushedChange {
  readonly target: Target
  /** Pushed before: the followed tag moves onto it. */
  readonly digest: Digest
}

/** All from the registry's 201 for the tag. */
export interface Arrival {
  readonly untilPollMs: number
  /** To the image in a watch. */
  readonly untilSeenMs: number
}

/** Random targets. */
export const planChanges = ({ targets }: World, count: number, labelled = false): readonly PlannedChange[] =>
  Array.from({ length: count }, () => {
    const target = targets[Math.floor(Math.random() * targets.length)] as Target
    return { target, labelled }
  })

/** An operator that gets a webhook for each push, polls once an hour, and has nothing left to do. */
export async function withPushedOperator<T>(world: World, work: (watch: ImageWatch) => Promise<T>): Promise<T> {
  return await withOperator(world, { intervalSeconds, requestsPerSecond, pushed: true }, async (operator) => {
    await untilUpToDate(world, operator, world.targets.length)
    await sleep(restMs)
    const watch = await ImageWatch.start(world.api)
    try {
      const result = await work(watch)
      await operator.assertRunning()
      return result
    } finally {
      await watch.stop()
    }
  })
}

/** Pushes one image after the other under its version, as CI does, then moves its tag. The registry sends a webhook. */
export async function moveOneByOne(
  world: World,
  watch: ImageWatch,
  planned: readonly PlannedChange[],
): Promise<readonly Arrival[]> {
  const arrivals: Arrival[] = []
  for (const { target, labelled } of planned) {
    const digest = await world.pushVersion(target, labelled)
    await sleep(pushPauseMs)
    const arrival = await move(world, watch, { target, digest })
    if (arrival !== undefined) arrivals.push(arrival)
    await sleep(-Math.log(1 - Math.random()) * meanPauseMs)
  }
  return arrivals
}

async function move({ registry }: World, watch: ImageWatch, { target, digest }: PushedChange) {
  const { name, repository, tag } = target
  const before = registry.requests.length
  await registry.tag(repository, digest, tag)
  const movedAt = Date.now()
  const seenAt = await watch.seen(name, digest, patienceMs)
  if (seenAt === undefined) return undefined
  const path = pollPathOf(target)
  const poll = registry.requests.slice(before).find((request) => isPoll(request) && request.path === path)
  return { untilPollMs: Math.max(0, (poll?.at ?? movedAt) - movedAt), untilSeenMs: Math.max(0, seenAt - movedAt) }
}

/** Measures the floor, moves the tags, and compares. */
export async function measureChanges(
  world: World,
  watch: ImageWatch,
  planned: readonly PlannedChange[],
): Promise<readonly Figure[]> {
  const floor = await measureFloor(world)
  world.registry.forget()
  const arrivals = await moveOneByOne(world, watch, planned)
  const polls = world.registry.requests.filter(isPoll).length
  return [
    { name: 'tags moved, each with a webhook', value: planned.length },
    { name: 'of them, not seen in time', value: planned.length - arrivals.length, mark: { atMost: 0 } },
    floorFigure(floor),
    ...latencies(arrivals, floor),
    { name: 'polls of the tag', unit: 'a change', value: polls / planned.length },
  ]
}

function latencies(arrivals: readonly Arrival[], floor: Floor): readonly Figure[] {
  const seen = arrivals.map(({ untilSeenMs }) => untilSeenMs)
  const p50 = median(seen)
  return [
    { name: 'push to patch, p50', unit: 'ms', value: p50 },
    { name: 'push to patch, p50 to the floor', unit: 'times', value: p50 / sumOf(floor), mark: { atMost: 1.3 } },
    { name: 'push to patch, p99', unit: 'ms', value: quantile(seen, 0.99), mark: { atMost: 60 } },
    {
      name: 'of it, until the poll of the tag, p50',
      unit: 'ms',
      value: median(arrivals.map(({ untilPollMs }) => untilPollMs)),
      note: 'the registry’s own delay, and the webhook',
    },
  ]
}
