/** Runs a command in several repositories. A failure in one of them is reported, and the others go on. */
import type { Digest } from '../../images/digest.ts'
import type { Reference } from '../../images/reference.ts'
import type { ChangesRequest, ChangesResult, Problem, TagChange } from './commands.ts'
import { type FoundImage, findImage, type WantedImage } from './image.ts'
import { isNotFound, notFound } from './not-found.ts'
import { problemOf } from './problem.ts'
import type { OpenRepository, RepositoryClient } from './repository.ts'

interface Found {
  readonly repository: string
  readonly client: RepositoryClient
  /** Undefined if no image is wanted. */
  readonly image: FoundImage | undefined
}

/** Finds the wanted image in every repository. */
export async function findAll(
  repositories: readonly Reference[],
  open: OpenRepository,
  wanted: WantedImage | undefined,
): Promise<{ readonly found: readonly Found[]; readonly problems: Problem[] }> {
  const problems: Problem[] = []
  const found = repositories.map(async (reference): Promise<readonly Found[]> => {
    const { name: repository } = reference
    let client: RepositoryClient | undefined
    try {
      client = await open(reference.repository)
      return [{ repository, client, image: wanted && (await findImage(client, wanted)) }]
    } catch (error) {
      problems.push(problemOf(error, client, { repository }))
      return []
    }
  })
  return { found: (await Promise.all(found)).flat(), problems }
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
  const { found, problems } = await findAll(repositories, open, version)
  if (problems.length > 0) return { dryRun, changes: [], problems }
  const changes: TagChange[] = []
  for (const { repository, client, image } of found) {
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
