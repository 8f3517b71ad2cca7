/** The tags on an image, asked of the registry at once where it can tell, and else found by looking at every tag. */

import { compareNaturally } from '../../discovery/versions/natural-order.ts'
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { allTags, type Shelf } from './image.ts'

const looksAtATime = 16

/** In natural order. */
export async function tagsOf(shelf: Shelf, digest: Digest): Promise<readonly string[]> {
  const { registry, repository, access } = shelf
  const told = await registry.aliases?.(repository, digest, access)
  return [...(told ?? (await tagsAmong(shelf, await allTags(shelf), digest)))].sort(compareNaturally)
}

/** Those of `tags` that point at the digest, in their order. */
export async function tagsAmong(shelf: Shelf, tags: readonly string[], digest: Digest): Promise<readonly string[]> {
  const found: string[] = []
  for (let from = 0; from < tags.length; from += looksAtATime) {
    const batch = tags.slice(from, from + looksAtATime)
    const digests = await Promise.all(batch.map((tag) => digestOf(shelf, tag)))
    found.push(...batch.filter((_, at) => digests[at] === digest))
  }
  return found
}

/** Undefined where there is no such tag. */
export async function digestOf({ registry, repository, access }: Shelf, tag: string): Promise<Digest | undefined> {
  try {
    return await registry.resolve(repository, tag, access)
  } catch (error) {
    if (error instanceof NeedsChangeError && error.reason === 'TagNotFound') return undefined
    throw error
  }
}
