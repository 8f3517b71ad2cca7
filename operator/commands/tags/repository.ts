import type { Repository } from '../../images/reference.ts'
import type { Access, Registry } from '../../registries/registry.ts'

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
