/** `cvmanager cr tags get`: the digest of an image, and the tags on it. */
import type { ImagesRequest, ImagesResult } from './commands.ts'
import { findImage } from './image.ts'
import { inEach } from './repositories.ts'
import { type OpenRepository, tagsOnImage } from './repository.ts'

export async function getTags({ repositories, version }: ImagesRequest, open: OpenRepository): Promise<ImagesResult> {
  const { results, problems } = await inEach(repositories, open, async (client, repository) => {
    const image = await findImage(client, version)
    const { tags, isComplete } = await tagsOnImage(client, image.digest)
    return { repository, ...image, tags, tagsComplete: isComplete }
  })
  return { images: results, problems }
}
