/** Runs a command in several repositories. A failure in one of them is reported, and the others go on. */
import type { Digest } from '../../images/digest.ts'
import type { Reference } from '../../images/reference.ts'
import type { ChangesRequest, ChangesResult, Problem, TagChange } from './commands.ts'
import { findImage } from './image.ts'
import { isNotFound, notFound } from './not-found.ts'
import { problemOf } from './problem.ts'
import type { OpenRepository, RepositoryClient } from './repository.ts'

/** Runs `use` in all of them at the same time. */
export async function inEach<T>(
  repositories: readonly Reference[],
  open: OpenRepository,
  use: (client: RepositoryClient, repository: string) => Promise<T>,
): Promise<{ readonly results: readonly T[]; readonly problems: Problem[] }> {
  const problems: Problem[] = []
  const results = repositories.map(async (reference): Promise<readonly T[]> => {
    const { name: repository } = reference
    let client: RepositoryClient | undefined
    try {
      client = await open(reference.repository)
      return [await use(client, repository)]
    } catch (error) {
      problems.push(problemOf(error, client, { repository }))
      return []
    }
  })
  return { results: (await Promise.all(results)).flat(), problems }
}

/** Changes one tag of a repository. The digest is that of the wanted image, if there is one. */
type ChangeTag = (
  client: RepositoryClient,
  tag: string,
  digest: Digest | undefined,
) => Promise<Omit<TagChange, 'repository' | 'tag'>>

/**
 * Changes nothing until the version is found in every repository: half a release is worse than none. After that, a failure
 * does not stop the rest.
 */
export async function changeTags(
  { repositories, version, tags, dryRun }: ChangesRequest,
  open: OpenRepository,
  change: ChangeTag,
): Promise<ChangesResult> {
  const { results, problems } = await inEach(repositories, open, async (client, repository) => ({
    client,
    repository,
    image: version && (await findImage(client, version)),
  }))
  if (problems.length > 0) return { dryRun, changes: [], problems }
  const changes: TagChange[] = []
  for (const { client, repository, image } of results) {
    const made: TagChange[] = []
    for (const tag of tags) {
      try {
        made.push({ repository, tag, ...(await change(client, tag, image?.digest)) })
      } catch (error) {
        made.push({ repository, tag, result: 'failed' })
        problems.push(problemOf(error, client, { repository, tag }))
      }
    }
    try {
      // Otherwise a misspelt repository would look like work that was done before.
      if (image === undefined && made.every(({ result }) => result === 'absent')) await ensureExists(client)
      changes.push(...made)
    } catch (error) {
      problems.push(problemOf(error, client, { repository }))
    }
  }
  return { dryRun, changes, problems }
}

async function ensureExists({ registry, repository, access }: RepositoryClient): Promise<void> {
  try {
    for await (const _ of registry.tags(repository, access)) return
  } catch (error) {
    if (!isNotFound(error)) throw error
    const { host, path } = repository
    throw notFound('RepositoryNotFound', `there is no repository ${path} at the registry ${host}`, '--repo')
  }
}
