import { setTimeout as sleep } from 'node:timers/promises'
import { MOTO_REGION, type Moto, motoEnvironment, startMoto } from '../e2e/harness/moto.ts'
import type { PlainAnswer } from '../e2e/harness/registry-faults.ts'
import type { FigureSet, Take } from './figures.ts'
import { ImageWatch } from './image-watch.ts'
import { untilUpToDate, withOperator } from './with-operator.ts'
import { inParallel, World } from './world.ts'

/** How many tags of one repository are followed; a repository for each. */
const sizes = [1, 100, 101, 250]
const version = '0a1b2c3d4e5f'
const intervalSeconds = 10
const intervals = 4
const throttledIntervals = 3
const patienceMs = 120_000

/** As AWS puts it in JSON (Amazon ECR API reference, "Common Error Types"), and as a proxy before it would. */
const refusals: Readonly<Record<string, PlainAnswer>> = {
  ThrottlingException: {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: '{"__type":"ThrottlingException","message":"Rate exceeded"}',
  },
  429: { status: 429, headers: { 'content-type': 'application/x-amz-json-1.1', 'retry-after': '5' }, body: '{}' },
}

const repositoryOf = (size: number): string => `bench/k${size}`
const nameOf = (size: number, index: number): string => `k${size}-${index}`
const tagOf = (index: number): string => `env-${index}`
const callsFor = (size: number): number => Math.ceil(size / 100)

/** W7: ECR, as moto plays it: how often it is asked, and what comes of it when it does not want to be. */
export async function ecr(take: Take): Promise<void> {
  const moto = await startMoto()
  try {
    await World.with({}, (world) => measure(world, moto, take))
  } finally {
    await moto.stop()
  }
}

async function measure(world: World, moto: Moto, take: Take): Promise<void> {
  for (const size of sizes) await follow(world, moto, size)
  const flags = [
    ...['--registry-endpoint', `ecr=${moto.endpoint}`],
    ...['--insecure-registry', new URL(moto.endpoint).host],
  ]
  const env = { ...motoEnvironment, AWS_REGION: MOTO_REGION }
  await withOperator(world, { intervalSeconds, flags, env }, async (operator) => {
    await untilUpToDate(
      world,
      operator,
      sizes.reduce((sum, size) => sum + size, 0),
    )
    const calls = await countCalls(moto)
    for (const size of sizes)
      await take(`W7 ECR, ${size} tags of a repository`, async () => callsOf(size, calls.get(repositoryOf(size)) ?? 0))
    for (const name of Object.keys(refusals)) await take(`W7 ECR, ${name}`, () => throttled(world, moto, name))
  })
}

async function follow(world: World, moto: Moto, size: number): Promise<void> {
  const repository = repositoryOf(size)
  const tags = Array.from({ length: size }, (_, index) => tagOf(index))
  const digest = await moto.push(repository, [version, ...tags], { content: repository })
  const imageRepo = `${moto.host}/${repository}`
  const image = `${imageRepo}:${version}@${digest}`
  await inParallel([...tags.entries()], ([index, tag]) =>
    world.follow({ name: nameOf(size, index), imageRepo, tag, image }),
  )
}

/** By repository, in whole intervals. */
async function countCalls(moto: Moto): Promise<ReadonlyMap<string, number>> {
  await untilPause(moto)
  moto.forget()
  await sleep(intervals * intervalSeconds * 1_000)
  const calls = new Map<string, number>()
  for (const { action, body } of moto.calls) {
    // Whatever else is asked counts as well: there is nothing to ask for.
    const asked = action.startsWith('ecr:') ? (JSON.parse(body) as { readonly repositoryName?: string }) : {}
    const repository = asked.repositoryName ?? action
    calls.set(repository, (calls.get(repository) ?? 0) + 1)
  }
  return calls
}

/** Waits until no poll can lie across the beginning of the window. */
async function untilPause({ calls }: Moto): Promise<void> {
  const before = calls.length
  while (calls.length === before) await sleep(50)
  await sleep(500)
}

function callsOf(size: number, calls: number): FigureSet {
  const aPoll = calls / intervals
  return {
    workload: 'W7 ECR',
    n: size,
    figures: [
      { name: 'calls a poll of k = N tags of a repository', value: aPoll },
      { name: 'calls a poll, to ⌈k/100⌉', unit: 'times', value: aPoll / callsFor(size), mark: { atMost: 1 } },
    ],
  }
}

/** A tag of each repository moves while ECR refuses to tell. */
async function throttled(world: World, moto: Moto, name: string): Promise<FigureSet> {
  // Past what the one before has left behind.
  await sleep(2 * intervalSeconds * 1_000)
  const watch = await ImageWatch.start(world.api)
  try {
    const usual = sizes.reduce((sum, size) => sum + callsFor(size), 0) * throttledIntervals
    moto.forget()
    const heal = moto.faults.inject(refusals[name] as PlainAnswer, { when: ({ path }) => path.startsWith('/ecr:') })
    const moved = await Promise.all(
      sizes.map(async (size) => ({ name: nameOf(size, 0), digest: await moveFirst(moto, size, name) })),
    )
    const early = moved.map((one) => watch.seen(one.name, one.digest, throttledIntervals * intervalSeconds * 1_000))
    const changed = (await Promise.all(early)).filter((at) => at !== undefined).length
    const sent = moto.calls.length
    heal()
    const healedAt = Date.now()
    const late = await Promise.all(moved.map((one) => watch.seen(one.name, one.digest, patienceMs)))
    const missed = late.filter((at) => at === undefined).length
    const lastAt = Math.max(...late.map((at) => at ?? healedAt + patienceMs))
    return {
      workload: name === '429' ? 'W7 ECR, 429' : 'W7 ECR, ThrottlingException',
      n: sizes.reduce((sum, size) => sum + size, 0),
      figures: [
        {
          name: 'calls in three intervals of throttling, to those without',
          unit: 'times',
          value: sent / usual,
          mark: { atMost: 1 },
          note: `${sent} instead of ${usual}`,
        },
        { name: 'workloads changed meanwhile', value: changed, mark: { atMost: 0 } },
        { name: 'tags moved meanwhile, not seen afterwards', value: missed, mark: { atMost: 0 } },
        {
          name: 'afterwards, until all are patched',
          unit: 's',
          value: (lastAt - healedAt) / 1_000,
          ...(missed > 0 ? { note: `not within ${patienceMs / 1_000} s` } : {}),
        },
      ],
    }
  } finally {
    await watch.stop()
  }
}

async function moveFirst(moto: Moto, size: number, why: string): Promise<string> {
  const next = [...Buffer.from(why)].reduce((sum, byte) => sum + byte, 0).toString(16)
  const digest = await moto.push(repositoryOf(size), `1a1b2c3${next}`, { content: `${size} ${why}` })
  await moto.tag(repositoryOf(size), digest, tagOf(0))
  return digest
}
