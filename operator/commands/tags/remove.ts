/** `cvmanager cr tags remove`: removes tags, and keeps the images and their other tags. */
import type { Digest } from '../../images/digest.ts'
import { changeEach, type TagChange } from './change.ts'
import type { ChangesRequest, ChangesResult } from './commands.ts'
import { isNotFound, notFound } from './not-found.ts'
import { changeAll } from './repositories.ts'
import type { OpenRepository, RepositoryClient } from './repository.ts'
import { digestOf } from './tags-on-image.ts'

export const removeTags = (request: ChangesRequest, open: OpenRepository): Promise<ChangesResult> =>
  changeAll(request, open, (client, image) => removeFrom(client, image?.digest, request.tags, request))

/** @param only the image that a tag must be on to be removed; undefined: any */
export async function removeFrom(
  client: RepositoryClient,
  only: Digest | undefined,
  tags: readonly string[],
  { dryRun }: Pick<ChangesRequest, 'dryRun'>,
): Promise<readonly TagChange[]> {
  const changes = await changeEach(tags, async (tag): Promise<TagChange> => {
    const digest = await digestOf(client, tag)
    if (digest === undefined) return { tag, result: 'absent' }
    if (only !== undefined && digest !== only) return { tag, result: 'left', digest }
    if (dryRun) return { tag, digest, ...(await predict(client, tag, tags)) }
    return { tag, result: await client.registry.untag(client.repository, tag, client.access), digest }
  })
  // Otherwise a misspelt repository would look like work that was done before.
  if (only === undefined && changes.every(({ result }) => result === 'absent')) await ensureExists(client)
  return changes
}

/** Only a few registries tell beforehand whether they remove a tag, and there is no probe that changes nothing. */
async function predict(
  { registry, repository, access }: RepositoryClient,
  tag: string,
  tags: readonly string[],
): Promise<Pick<TagChange, 'result' | 'onlyIf'>> {
  if (registry.wouldUntag === undefined) return { result: 'removed', onlyIf: 'the registry allows deletion' }
  return { result: await registry.wouldUntag(repository, tag, access, tags.slice(0, tags.indexOf(tag))) }
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
