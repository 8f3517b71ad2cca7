/** What the tagging commands do to one repository. Each change is tried, whatever becomes of the others. */

import type { Digest } from '../../images/digest.ts'
import type { Tagged, Untagged } from '../../registries/registry.ts'
import type { Shelf } from './image.ts'
import { isNotFound, notFound } from './not-found.ts'
import { digestOf } from './tags-of.ts'

export interface TagChange {
  readonly tag: string
  /** `left`: the tag points at another image than the one that was named, and was not taken off. */
  readonly result: Tagged | Untagged | 'left' | 'failed'
  /** Where the tag points now; of one that was taken off: where it pointed. */
  readonly digest?: Digest | undefined
  /** Where a tag that was moved pointed before. */
  readonly was?: Digest | undefined
  /** Of a change that was not made: what it would depend on. */
  readonly onlyIf?: string | undefined
  /** Of `failed`. */
  readonly error?: unknown
}

export interface Manner {
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean
}

export function addTags(shelf: Shelf, digest: Digest, tags: readonly string[], { dryRun }: Manner) {
  return each(tags, async (tag): Promise<TagChange> => {
    const was = await digestOf(shelf, tag)
    if (was === digest) return { tag, result: 'unchanged', digest }
    const result = dryRun ? planned(was) : await shelf.registry.tag(shelf.repository, digest, tag, shelf.access)
    return { tag, result, digest, was: result === 'moved' ? was : undefined }
  })
}

/** @param only the image that the tags have to be on to be taken off */
export async function removeTags(shelf: Shelf, only: Digest | undefined, tags: readonly string[], { dryRun }: Manner) {
  const changes = await each(tags, async (tag): Promise<TagChange> => {
    const digest = await digestOf(shelf, tag)
    if (digest === undefined) return { tag, result: 'absent' }
    if (only !== undefined && digest !== only) return { tag, result: 'left', digest }
    if (dryRun) return { tag, digest, ...(await foresee(shelf, tag, tags)) }
    return { tag, result: await shelf.registry.untag(shelf.repository, tag, shelf.access), digest }
  })
  // A wrong name would otherwise pass for work that was done before.
  if (only === undefined && changes.every(({ result }) => result === 'absent')) await mustExist(shelf)
  return changes
}

/** Only a few registries let know beforehand whether they take off a tag: a probe that changes nothing tells nothing. */
async function foresee(
  { registry, repository, access }: Shelf,
  tag: string,
  tags: readonly string[],
): Promise<Pick<TagChange, 'result' | 'onlyIf'>> {
  if (registry.wouldUntag === undefined) return { result: 'removed', onlyIf: 'the registry allows deletion' }
  return { result: await registry.wouldUntag(repository, tag, access, tags.slice(0, tags.indexOf(tag))) }
}

const planned = (was: Digest | undefined): Tagged => (was === undefined ? 'added' : 'moved')

/** One after another, so that what was done is known when one of them fails. */
async function each(
  tags: readonly string[],
  change: (tag: string) => Promise<TagChange>,
): Promise<readonly TagChange[]> {
  const changes: TagChange[] = []
  for (const tag of tags) {
    changes.push(await change(tag).catch((error: unknown) => ({ tag, result: 'failed' as const, error })))
  }
  return changes
}

async function mustExist({ registry, repository, access }: Shelf): Promise<void> {
  try {
    for await (const _ of registry.tags(repository, access)) return
  } catch (error) {
    if (!isNotFound(error)) throw error
    const { host, path } = repository
    throw notFound('RepositoryNotFound', `there is no repository ${path} at the registry ${host}`, '--repo')
  }
}
