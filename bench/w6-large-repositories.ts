import { countBy, type Figure, listed, median, type Take } from './figures.ts'
import { floorFigure, measureFloor, sumOf } from './floor.ts'
import { idleWindow } from './idle-window.ts'
import type { ImageWatch } from './image-watch.ts'
import { isPoll, oneTag } from './layouts.ts'
import { moveOneByOne, type PlannedChange, planChanges, withPushedOperator } from './pushed-changes.ts'
import { untilUpToDate, withOperator } from './with-operator.ts'
import { World } from './world.ts'

/** The shortest that is allowed. */
const intervalSeconds = 5
const polls = 5
const unlabelledChanges = 5

/**
 * W6: repositories of so many version tags, in which one tag is followed. What a poll and a change cost, by the number of
 * tags.
 */
export async function largeRepositories(sizes: readonly number[], changes: number, take: Take): Promise<void> {
  let bytesOfSmallest: number | undefined
  for (const size of sizes) {
    await take(`W6, ${size} tags`, () =>
      World.with({ pushed: true, layout: oneTag }, async (world) => {
        await world.growTo(1)
        await world.addVersionTags(world.targets[0]?.repository ?? '', size)
        const bytes = await bytesOfAPoll(world)
        bytesOfSmallest ??= bytes
        const figures: readonly Figure[] = [
          { name: 'a poll, both directions', unit: 'bytes', value: bytes },
          {
            name: 'a poll, to that of the smallest repository',
            unit: 'times',
            value: bytes / bytesOfSmallest,
            mark: { atMost: 1.02 },
          },
          ...(await costOfChanges(world, changes)),
        ]
        return { workload: 'W6', n: size, figures }
      }),
    )
  }
}

async function bytesOfAPoll(world: World): Promise<number> {
  return await withOperator(world, { intervalSeconds, polls: 2 }, async (operator) => {
    await untilUpToDate(world, operator, world.targets.length)
    const { asked, traffic } = await idleWindow(world, operator, polls * intervalSeconds * 1_000)
    return (traffic.received + traffic.sent) / asked.length
  })
}

async function costOfChanges(world: World, changes: number): Promise<readonly Figure[]> {
  const labelled = planChanges(world, changes, true)
  const unlabelled = planChanges(world, unlabelledChanges)
  return await withPushedOperator(world, async (watch) => {
    const floor = await measureFloor(world)
    const one = await cost(world, watch, labelled)
    const other = await cost(world, watch, unlabelled)
    return [
      floorFigure(floor),
      { name: 'tags moved, each with a webhook', value: changes + unlabelledChanges },
      { name: 'of them, not seen in time', value: one.missed + other.missed, mark: { atMost: 0 } },
      { name: 'a change, an image that says its version', unit: 'requests', value: one.requests, note: one.kinds },
      { name: '…', unit: 'bytes', value: one.bytes },
      { name: '…, push to patch, p50', unit: 'ms', value: one.p50 },
      { name: '…, to the floor', unit: 'times', value: one.p50 / sumOf(floor) },
      { name: 'a change, an image without labels', unit: 'requests', value: other.requests, note: other.kinds },
      { name: '…', unit: 'bytes', value: other.bytes },
      { name: '…, push to patch, p50', unit: 'ms', value: other.p50 },
    ]
  })
}

async function cost(world: World, watch: ImageWatch, planned: readonly PlannedChange[]) {
  const { registry } = world
  registry.forget()
  const arrivals = await moveOneByOne(world, watch, planned)
  const { received, sent } = registry.traffic
  const kinds = countBy(registry.requests, (request) =>
    isPoll(request) ? 'polls of the tag' : `${request.method} ${request.kind}`,
  )
  return {
    missed: planned.length - arrivals.length,
    requests: registry.requests.length / planned.length,
    bytes: (received + sent) / planned.length,
    p50: median(arrivals.map(({ untilSeenMs }) => untilSeenMs)),
    kinds: `${listed(kinds)}, in ${planned.length} changes`,
  }
}
