/** The same thing done in several repositories: each is told of by itself. */
import type { Reference, Repository } from '../../images/reference.ts'
import type { TagChange } from './changes.ts'
import { type FoundImage, findImage, type Shelf, type WantedImage } from './image.ts'
import { problemOf } from './problem.ts'
import type { ChangesAnswer, ImagesAnswer, Problem, ShownChange } from './results.ts'
import { tagsOf } from './tags-of.ts'

/** @throws TransientError where the credentials for it cannot be had */
export type Open = (repository: Repository) => Promise<Shelf>

interface Found {
  readonly repository: string
  readonly shelf: Shelf
  /** Undefined where none was asked for. */
  readonly image: FoundImage | undefined
}

export async function taggedImages(
  repositories: readonly Reference[],
  open: Open,
  wanted: WantedImage,
): Promise<ImagesAnswer> {
  const { found, problems } = await findAll(repositories, open, wanted)
  const images = found.map(async ({ repository, shelf, image }) => {
    try {
      return image ? [{ repository, ...image, tags: await tagsOf(shelf, image.digest) }] : []
    } catch (error) {
      problems.push(problemOf(error, shelf, { repository }))
      return []
    }
  })
  return { images: (await Promise.all(images)).flat(), problems }
}

export interface WantedChange {
  readonly repositories: readonly Reference[]
  readonly version: WantedImage | undefined
  readonly dryRun: boolean
}

/** Half of a release is worse than none: nothing is changed before the version is known to be in every repository. */
export async function changeAll(
  { repositories, version, dryRun }: WantedChange,
  open: Open,
  change: (shelf: Shelf, image: FoundImage | undefined) => Promise<readonly TagChange[]>,
): Promise<ChangesAnswer> {
  const { found, problems } = await findAll(repositories, open, version)
  if (problems.length > 0) return { dryRun, changes: [], problems }
  const changes: ShownChange[] = []
  for (const { repository, shelf, image } of found) {
    const made = await change(shelf, image).catch((error: unknown) => {
      problems.push(problemOf(error, shelf, { repository }))
      return []
    })
    for (const { error, ...shown } of made) {
      changes.push({ repository, ...shown })
      if (shown.result === 'failed') problems.push(problemOf(error, shelf, { repository, tag: shown.tag }))
    }
  }
  return { dryRun, changes, problems }
}

async function findAll(repositories: readonly Reference[], open: Open, wanted: WantedImage | undefined) {
  const problems: Problem[] = []
  const found = repositories.map(async (reference): Promise<readonly Found[]> => {
    const { name: repository } = reference
    let shelf: Shelf | undefined
    try {
      shelf = await open(reference.repository)
      return [{ repository, shelf, image: wanted && (await findImage(shelf, wanted)) }]
    } catch (error) {
      problems.push(problemOf(error, shelf, { repository }))
      return []
    }
  })
  return { found: (await Promise.all(found)).flat(), problems }
}
