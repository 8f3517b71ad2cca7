/** Finds the tags on an image: in one request if the registry can do that, otherwise by resolving every tag. */
import { compareNaturally } from '../../discovery/versions/natural-order.ts'
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { allTags, type RepositoryClient } from './repository.ts'

const maxConcurrentRequests = 16

/** In natural order. */
export async function tagsOnImage(client: RepositoryClient, digest: Digest): Promise<readonly string[]> {
  const { registry, repository, access } = client
  const aliases = await registry.aliases?.(repository, digest, access)
  return [...(aliases ?? (await tagsAmong(client, await allTags(client), digest)))].sort(compareNaturally)
}

/** The members of `tags` that point at the digest, in the same order. */
export async function tagsAmong(
  client: RepositoryClient,
  tags: readonly string[],
  digest: Digest,
): Promise<readonly string[]> {
  const found: string[] = []
  for (let from = 0; from < tags.length; from += maxConcurrentRequests) {
    const batch = tags.slice(from, from + maxConcurrentRequests)
    const digests = await Promise.all(batch.map((tag) => digestOf(client, tag)))
    found.push(...batch.filter((_, at) => digests[at] === digest))
  }
  return found
}

/** @returns undefined if the tag does not exist */
export async function digestOf(
  { registry, repository, access }: RepositoryClient,
  tag: string,
): Promise<Digest | undefined> {
  try {
    return await registry.resolve(repository, tag, access)
  } catch (error) {
    if (error instanceof NeedsChangeError && error.reason === 'TagNotFound') return undefined
    throw error
  }
}
