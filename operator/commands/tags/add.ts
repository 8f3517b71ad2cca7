/** `cvmanager cr tags add`: adds tags to an image that is already in the registry. */
import { changeEach, type TagChange } from './change.ts'
import type { ChangesRequest, ChangesResult } from './commands.ts'
import { changeAll } from './repositories.ts'
import type { OpenRepository } from './repository.ts'
import { digestOf } from './tags-on-image.ts'

export function addTags(request: ChangesRequest, open: OpenRepository): Promise<ChangesResult> {
  return changeAll(request, open, async (client, image) => {
    const digest = image?.digest
    if (digest === undefined) return []
    return changeEach(request.tags, async (tag): Promise<TagChange> => {
      const was = await digestOf(client, tag)
      if (was === digest) return { tag, result: 'unchanged', digest }
      const planned = was === undefined ? 'added' : 'moved'
      const result = request.dryRun ? planned : await client.registry.tag(client.repository, digest, tag, client.access)
      return { tag, result, digest, was: result === 'moved' ? was : undefined }
    })
  })
}
