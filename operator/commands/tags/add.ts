/** `cvmanager cr tags add`: adds tags to an image that is already in the registry. */
import type { ChangesRequest, ChangesResult } from './commands.ts'
import { changeTags } from './repositories.ts'
import { digestOf, type OpenRepository } from './repository.ts'

export const addTags = (request: ChangesRequest, open: OpenRepository): Promise<ChangesResult> =>
  changeTags(request, open, async (client, tag, digest) => {
    if (digest === undefined) throw new Error('tags are added to an image, and none is wanted')
    const was = await digestOf(client, tag)
    if (was === digest) return { result: 'unchanged', digest }
    const planned = was === undefined ? 'added' : 'moved'
    const result = request.dryRun ? planned : await client.registry.tag(client.repository, digest, tag, client.access)
    return { result, digest, was: result === 'moved' ? was : undefined }
  })
