/** Runs a command in several repositories. A failure in one of them is reported, and the others go on. */
import type { Reference } from '../../images/reference.ts'
import type { TagChange } from './change.ts'
import type { ChangesRequest, ChangesResult, Problem, ReportedChange } from './commands.ts'
import { type FoundImage, findImage, type WantedImage } from './image.ts'
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

/** Changes nothing until the version is found in every repository: half a release is worse than none. */
export async function changeAll(
  { repositories, version, dryRun }: ChangesRequest,
  open: OpenRepository,
  change: (client: RepositoryClient, image: FoundImage | undefined) => Promise<readonly TagChange[]>,
): Promise<ChangesResult> {
  const { found, problems } = await findAll(repositories, open, version)
  if (problems.length > 0) return { dryRun, changes: [], problems }
  const changes: ReportedChange[] = []
  for (const { repository, client, image } of found) {
    const made = await change(client, image).catch((error: unknown) => {
      problems.push(problemOf(error, client, { repository }))
      return []
    })
    for (const { error, ...reported } of made) {
      changes.push({ repository, ...reported })
      if (reported.result === 'failed') problems.push(problemOf(error, client, { repository, tag: reported.tag }))
    }
  }
  return { dryRun, changes, problems }
}
