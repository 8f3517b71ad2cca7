/** What the commands read in one repository. */
import { compareNaturally } from '../../discovery/versions/natural-order.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { undefinedIfNoTag } from '../../registries/failures.ts'
import type { Access, Aliases, Registry } from '../../registries/registry.ts'

const maxConcurrentRequests = 16

/** A repository, with everything that a request about it needs. */
export interface RepositoryClient {
  readonly registry: Registry
  readonly repository: Repository
  readonly access: Access
}

/** @throws UsageError for an unsuitable `--provider`; TransientError if the credentials cannot be obtained */
export type OpenRepository = (repository: Repository) => Promise<RepositoryClient>

export async function allTags({ registry, repository, access }: RepositoryClient): Promise<readonly string[]> {
  const tags: string[] = []
  for await (const page of registry.tags(repository, access)) tags.push(...page)
  return tags
}

/** In natural order; in one request if the registry can do that, otherwise by resolving every tag. */
export async function tagsOnImage(client: RepositoryClient, digest: Digest): Promise<Aliases> {
  const { registry, repository, access } = client
  const listed = await registry.aliases?.(repository, digest, access)
  const { tags, isComplete } = listed ?? {
    tags: await tagsAmong(client, await allTags(client), digest),
    isComplete: true,
  }
  return { tags: tags.toSorted(compareNaturally), isComplete }
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
export const digestOf = (
  { registry, repository, access }: RepositoryClient,
  tag: string,
): Promise<Digest | undefined> => registry.resolve(repository, tag, access).catch(undefinedIfNoTag)
