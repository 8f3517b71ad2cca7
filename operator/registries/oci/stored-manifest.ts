/** A manifest or index, byte for byte as it was pushed. */
import type { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { isContentOf } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { answerInvalid, RegistryRefusal, statusFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { OciClient } from './client.ts'
import { manifestTypes, mediaTypeOf } from './manifest.ts'

export interface StoredManifest {
  readonly mediaType: string
  readonly bytes: Buffer
}

/** @throws NeedsChangeError `ImageNotFound`; else as `Registry.resolve` */
export async function readManifest(
  client: OciClient,
  repository: Repository,
  digest: Digest,
  access: Access,
): Promise<StoredManifest> {
  const subject = { repository, what: `image ${digest}` }
  const path = `/v2/${repository.path}/manifests/${digest}`
  const headers = { accept: manifestTypes }
  const answer = await client.send({ subject, access, purpose: 'manifest', method: 'GET', path, headers })
  if (answer.status === 404) throw imageNotFound(repository, digest)
  if (answer.status !== 200) throw statusFailure(subject, answer.status, access.credentials, answer.retryAfterMs)
  if (!isContentOf(digest, answer.body)) throw answerInvalid(subject, 'its content does not have that digest')
  const mediaType = mediaTypeOf(answer)
  if (mediaType === undefined) throw answerInvalid(subject, 'it does not tell the kind of the manifest')
  return { bytes: answer.body, mediaType }
}

export const imageNotFound = ({ host, path }: Repository, digest: Digest): NeedsChangeError =>
  new RegistryRefusal(
    'ImageNotFound',
    `the registry ${host} does not have image ${digest} of repository ${path} (404)`,
    'Push it, or name another version.',
  )
