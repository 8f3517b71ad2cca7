import { burst } from './burst.ts'
import type { Take } from './figures.ts'
import { idle } from './w1-idle.ts'
import { oneChange } from './w2-one-change.ts'
import { onePushedChange } from './w2-pushed.ts'
import { sharingARepository, sharingATag } from './w5-sharing.ts'
import { largeRepositories } from './w6-large-repositories.ts'
import { ecr } from './w7-ecr.ts'
import { tokens } from './w7-tokens.ts'
import { coldStart } from './w8-cold-start.ts'
import { workloadList } from './w11-workloads.ts'
import { World } from './world.ts'

/** Their names on the command line, and what they measure. */
export const workloads = {
  w1: 'idle',
  w2: 'one change, found by polling',
  w2push: 'one change, found by webhook',
  burst: '200 changes at once',
  w5: 'many ContainerVersions on one tag, many tags in one repository',
  w6: 'many tags in the repository of the one that is followed',
  w7tokens: 'a registry with bearer tokens',
  w7ecr: 'many tags of a repository of ECR, and ECR that throttles',
  w8: 'a restart with many objects',
  w11: 'the list of many workloads over HTTP',
} as const

export type WorkloadName = keyof typeof workloads

export interface Selection {
  readonly only: readonly string[]
  /** How many tags are followed, ascending. */
  readonly sizes: readonly number[]
  readonly seconds: number
  readonly changes: number
  /** In W8 and W11, how many ContainerVersions there are. */
  readonly objects: number
  /** In W6, how many the repository has; ascending. */
  readonly tags: readonly number[]
}

/** Enough where the median alone counts. */
const changesOfSome = 30
const tokenTags = 100
/** One interval. */
const sharedSeconds = 60

export async function measureAll(selection: Selection, take: Take): Promise<void> {
  const { seconds, changes, tags, sizes } = selection
  const wants = (name: WorkloadName): boolean => selection.only.includes(name)
  const largest = sizes.at(-1) ?? 0
  await growing({}, sizes, wants('w1') || wants('w2'), async (world, at) => {
    if (wants('w1')) await take(`W1 idle, ${at}`, () => idle(world, seconds))
    if (wants('w2')) await take(`W2 one change, ${at}`, () => oneChange(world, changes))
  })
  await growing({ pushed: true }, sizes, wants('w2push') || wants('burst'), async (world, at) => {
    if (wants('w2push')) await take(`W2 one change, pushed, ${at}`, () => onePushedChange(world, changes))
    if (wants('burst')) await take(`Burst, ${at}`, () => burst(world))
  })
  if (wants('w5')) {
    await take(`W5 one tag, N = ${largest}`, () => sharingATag(largest, sharedSeconds))
    const some = Math.min(changes, changesOfSome)
    await take(`W5 one repository, N = ${largest}`, () => sharingARepository(largest, sharedSeconds, some))
  }
  if (wants('w6')) {
    await largeRepositories(tags, Math.min(changes, changesOfSome), take)
  }
  // Here requests are counted, and no time: both at once.
  await Promise.all([
    wants('w7tokens') && take('W7 tokens', () => tokens(Math.min(largest, tokenTags))),
    wants('w7ecr') && ecr(take),
  ])
  if (wants('w8')) await take(`W8, N = ${selection.objects}`, () => coldStart(selection.objects))
  if (wants('w11')) await take(`W11, N = ${selection.objects}`, () => workloadList(selection.objects))
}

async function growing(
  options: { readonly pushed?: boolean },
  sizes: readonly number[],
  wanted: boolean,
  measure: (world: World, at: string) => Promise<void>,
): Promise<void> {
  if (!wanted) return
  await World.with(options, async (world) => {
    for (const n of sizes) {
      await world.growTo(n)
      await measure(world, `N = ${n}`)
    }
  })
}
