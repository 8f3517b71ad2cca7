import { setTimeout as sleep } from 'node:timers/promises'
import { writeVerbs } from '../e2e/harness/audit.ts'
import { patchAllBare, prepareBare } from './bare-patches.ts'
import { countBy, type FigureSet, listed, median } from './figures.ts'
import type { ImageWatch } from './image-watch.ts'
import { isPoll } from './layouts.ts'
import { type PushedChange, withPushedOperator } from './pushed-changes.ts'
import { inParallel, operatorAgent, type World } from './world.ts'

const most = 200
const rounds = 3
/** As the operator's own client may have under way. */
const patchesAtATime = 16
const patienceMs = 120_000
/** For the controllers of the control plane to be done with what so many patches bring about. */
const restMs = 5_000

interface Round {
  readonly oneByOneMs: number
  readonly inParallelMs: number
  readonly movingMs: number
  readonly firstMs: number
  readonly lastMs: number
  readonly missed: number
}

/** 200 tags, or all that there are, move as fast as the registry takes it. */
export async function burst(world: World): Promise<FigureSet> {
  const targets = world.targets.slice(0, most)
  const bare = await prepareBare(world, targets.length)
  const bursts: PushedChange[][] = []
  for (let round = 0; round < rounds; round++) {
    const planned: PushedChange[] = []
    await inParallel(targets, async (target) => {
      planned.push({ target, digest: await world.pushVersion(target) })
    })
    bursts.push(planned)
  }
  return await withPushedOperator(world, async (watch) => {
    world.registry.forget()
    const since = Date.now()
    const measured: Round[] = []
    for (const planned of bursts) measured.push(await once(world, watch, planned, bare))
    const writes = await world.cluster.auditLog({ userAgent: operatorAgent, since, verbs: writeVerbs })
    const rollouts = writes.filter(({ objectRef }) => objectRef?.resource !== 'leases')
    const changes = rounds * targets.length
    const middle = (of: (round: Round) => number) => median(measured.map(of))
    const seconds = (name: string, of: (round: Round) => number) => ({
      name,
      unit: 's',
      value: middle(of) / 1_000,
      note: measured.map((round) => (of(round) / 1_000).toFixed(2)).join(', '),
    })
    return {
      workload: 'Burst',
      n: world.targets.length,
      figures: [
        { name: 'tags moved at once', value: targets.length, note: `${rounds} times; medians` },
        {
          name: 'of all, not seen in time',
          value: measured.reduce((sum, { missed }) => sum + missed, 0),
          mark: { atMost: 0 },
        },
        seconds('moving them took', ({ movingMs }) => movingMs),
        seconds('first patched, from the first move', ({ firstMs }) => firstMs),
        seconds('all patched, from the first move', ({ lastMs }) => lastMs),
        seconds('floor: bare PATCHes, one by one', ({ oneByOneMs }) => oneByOneMs),
        seconds(`floor: bare PATCHes, ${patchesAtATime} at a time`, ({ inParallelMs }) => inParallelMs),
        {
          name: 'all patched, to PATCHes one by one',
          unit: 'times',
          value: middle(({ lastMs, oneByOneMs }) => lastMs / oneByOneMs),
          mark: { atMost: 1.3 },
        },
        {
          name: `all patched, to ${patchesAtATime} at a time`,
          unit: 'times',
          value: middle(({ lastMs, inParallelMs }) => lastMs / inParallelMs),
        },
        { name: 'polls of the tag', unit: 'a change', value: world.registry.requests.filter(isPoll).length / changes },
        {
          name: 'API writes',
          unit: 'a change',
          value: rollouts.length / changes,
          note: listed(countBy(rollouts, ({ verb, objectRef }) => `${verb} ${objectRef?.resource}`)),
        },
      ],
    }
  })
}

async function once(
  world: World,
  watch: ImageWatch,
  planned: readonly PushedChange[],
  bare: readonly string[],
): Promise<Round> {
  const oneByOneMs = await patchAllBare(world, bare, 1)
  await sleep(restMs)
  const inParallelMs = await patchAllBare(world, bare, patchesAtATime)
  await sleep(restMs)
  const moved: number[] = []
  const arrivals = planned.map(({ target, digest }) => watch.seen(target.name, digest, patienceMs))
  await inParallel(planned, async ({ target: { repository, tag }, digest }) => {
    await world.registry.tag(repository, digest, tag)
    moved.push(Date.now())
  })
  const seen = (await Promise.all(arrivals)).filter((at) => at !== undefined)
  await sleep(restMs)
  const [firstMove, lastMove] = [Math.min(...moved), Math.max(...moved)]
  return {
    oneByOneMs,
    inParallelMs,
    movingMs: lastMove - firstMove,
    firstMs: Math.min(...seen) - firstMove,
    lastMs: Math.max(...seen) - firstMove,
    missed: planned.length - seen.length,
  }
}
