import { setTimeout as sleep } from 'node:timers/promises'
import { patchAllBare, prepareBare } from './bare-patches.ts'
import type { Figure, FigureSet } from './figures.ts'
import { idleWindow } from './idle-window.ts'
import type { ImageWatch } from './image-watch.ts'
import { oneRepository, oneTag, pollPathOf, type Target } from './layouts.ts'
import { measureChanges, type PushedChange, planChanges, withPushedOperator } from './pushed-changes.ts'
import { untilUpToDate, withOperator } from './with-operator.ts'
import { World } from './world.ts'

const intervalSeconds = 60
const restMs = 10_000
const rounds = 2
const patienceMs = 120_000
/** Enough to know what one takes. */
const mostBare = 200

/** W5: so many ContainerVersions, and as many Deployments, on one tag. */
export async function sharingATag(n: number, seconds: number): Promise<FigureSet> {
  return await World.with({ pushed: true, layout: oneTag }, async (world) => {
    await world.growTo(n)
    const idle = await idleFigures(world, seconds)
    const together = await allAtOnce(world)
    return { workload: 'W5 one tag', n, figures: [...idle, ...together] }
  })
}

/** W5: so many tags of one repository, each followed by one ContainerVersion. */
export async function sharingARepository(n: number, seconds: number, changes: number): Promise<FigureSet> {
  return await World.with({ pushed: true, layout: oneRepository }, async (world) => {
    await world.growTo(n)
    const idle = await idleFigures(world, seconds)
    const planned = planChanges(world, changes)
    const one = await withPushedOperator(world, (watch) => measureChanges(world, watch, planned))
    return { workload: 'W5 one repository', n, figures: [...idle, ...one] }
  })
}

async function idleFigures(world: World, seconds: number): Promise<readonly Figure[]> {
  return await withOperator(world, { intervalSeconds }, async (operator) => {
    await untilUpToDate(world, operator, world.targets.length)
    await sleep(restMs)
    const { ms, cpuMs, asked, requests } = await idleWindow(world, operator, seconds * 1_000)
    const distinct = new Set(world.targets.map(pollPathOf)).size
    const intervals = ms / 1_000 / intervalSeconds
    return [
      { name: 'distinct tags', value: distinct },
      { name: 'CPU', unit: 'ms a minute', value: (cpuMs * 60_000) / ms, mark: { atMost: 400 } },
      {
        name: 'registry requests',
        unit: 'a distinct tag and interval',
        value: asked.length / distinct / intervals,
        mark: { atMost: 1.02 },
      },
      { name: 'API requests', unit: 'a second', value: (requests.length * 1_000) / ms, mark: { atMost: 1 } },
    ]
  })
}

interface Together {
  readonly firstMs: number
  readonly lastMs: number
  readonly missed: number
}

/** The one tag moves, and all have to follow. */
async function allAtOnce(world: World): Promise<readonly Figure[]> {
  const moves: PushedChange[] = []
  for (const { target } of planChanges(world, rounds)) {
    moves.push({ target, digest: await world.pushVersion(target) })
  }
  const bare = await prepareBare(world, Math.min(mostBare, world.targets.length))
  return await withPushedOperator(world, async (watch) => {
    const bareMs = ((await patchAllBare(world, bare, 1)) / bare.length) * world.targets.length
    await sleep(restMs)
    world.registry.forget()
    const measured: Together[] = []
    for (const { target, digest } of moves) {
      measured.push(await once(world, watch, target, digest))
      await sleep(restMs)
    }
    const last = Math.max(...measured.map(({ lastMs }) => lastMs))
    return [
      {
        name: 'of all, not seen in time',
        value: measured.reduce((sum, { missed }) => sum + missed, 0),
        mark: { atMost: 0 },
      },
      { name: 'push to the first patch', unit: 'ms', value: Math.max(...measured.map(({ firstMs }) => firstMs)) },
      { name: 'push to the last patch', unit: 's', value: last / 1_000, note: `the later of ${rounds} moves` },
      { name: 'floor: as many bare PATCHes, one by one', unit: 's', value: bareMs / 1_000 },
      { name: 'push to the last patch, to the floor', unit: 'times', value: last / bareMs, mark: { atMost: 1.3 } },
      { name: 'registry requests', unit: 'a move of the tag', value: world.registry.requests.length / rounds },
    ]
  })
}

async function once(world: World, watch: ImageWatch, { repository, tag }: Target, digest: `sha256:${string}`) {
  const arrivals = world.targets.map(({ name }) => watch.seen(name, digest, patienceMs))
  await world.registry.tag(repository, digest, tag)
  const movedAt = Date.now()
  const seen = (await Promise.all(arrivals)).filter((at) => at !== undefined)
  return {
    firstMs: Math.min(...seen) - movedAt,
    lastMs: Math.max(...seen) - movedAt,
    missed: arrivals.length - seen.length,
  }
}
