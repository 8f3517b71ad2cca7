/** `cvmanager cr tags get`: the digest of an image, and the tags on it. */
import type { ImagesRequest, ImagesResult } from './commands.ts'
import { problemOf } from './problem.ts'
import { findAll } from './repositories.ts'
import { type OpenRepository, tagsOnImage } from './repository.ts'

export async function getTags({ repositories, version }: ImagesRequest, open: OpenRepository): Promise<ImagesResult> {
  const { found, problems } = await findAll(repositories, open, version)
  const images = found.map(async ({ repository, client, image }) => {
    try {
      return image ? [{ repository, ...image, tags: await tagsOnImage(client, image.digest) }] : []
    } catch (error) {
      problems.push(problemOf(error, client, { repository }))
      return []
    }
  })
  return { images: (await Promise.all(images)).flat(), problems }
}
