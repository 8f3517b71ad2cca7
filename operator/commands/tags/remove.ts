/** `cvmanager cr tags remove`: removes tags, and keeps the images and their other tags. */
import type { ChangesRequest, ChangesResult, TagChange } from './commands.ts'
import { changeTags } from './repositories.ts'
import { digestOf, type OpenRepository, type RepositoryClient } from './repository.ts'

export const removeTags = (request: ChangesRequest, open: OpenRepository): Promise<ChangesResult> =>
  changeTags(request, open, async (client, tag, only) => {
    const digest = await digestOf(client, tag)
    if (digest === undefined) return { result: 'absent' }
    if (only !== undefined && digest !== only) return { result: 'left', digest }
    if (request.dryRun) return { digest, ...(await predict(client, tag, request.tags)) }
    return { result: await client.registry.untag(client.repository, tag, client.access), digest }
  })

/** Only a few registries tell beforehand whether they remove a tag, and there is no probe that changes nothing. */
async function predict(
  { registry, repository, access }: RepositoryClient,
  tag: string,
  tags: readonly string[],
): Promise<Pick<TagChange, 'result' | 'onlyIf'>> {
  if (registry.wouldUntag === undefined) return { result: 'removed', onlyIf: 'the registry allows deletion' }
  return { result: await registry.wouldUntag(repository, tag, access, tags.slice(0, tags.indexOf(tag))) }
}
