/** Adds and removes tags by the OCI distribution API (spec.md, "Pushing manifests", "Deleting tags"). */
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { answerInvalid, RegistryRefusal, statusFailure } from '../failures.ts'
import type { Access, Tagged, Untagged } from '../registry.ts'
import type { Answer } from '../transport/transport.ts'
import type { OciClient } from './client.ts'
import { isNoUntagging, isTagImmutable, refusalOf } from './refusal.ts'
import { readManifest } from './stored-manifest.ts'

type DigestOf = (repository: Repository, tag: string, access: Access) => Promise<Digest | undefined>

export class OciTagging {
  readonly #client: OciClient
  readonly #digestOf: DigestOf

  constructor(client: OciClient, digestOf: DigestOf) {
    this.#client = client
    this.#digestOf = digestOf
  }

  /** Pushes the manifest again, byte for byte, under another name: an index stays whole. */
  async tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    const before = await this.#digestOf(repository, tag, access)
    if (before === digest) return 'unchanged'
    const manifest = await readManifest(this.#client, repository, digest, access)
    const subject = { repository, what: `tag ${tag}`, right: 'push' } as const
    const answer = await this.#client.send({
      subject,
      access,
      purpose: 'manifest',
      method: 'PUT',
      path: `/v2/${repository.path}/manifests/${tag}`,
      headers: { 'content-type': manifest.mediaType },
      body: manifest.bytes,
    })
    if (answer.status >= 200 && answer.status < 300) {
      const stored = answer.headers['docker-content-digest'] ?? digest
      if (stored !== digest) throw answerInvalid(subject, 'it stored the image under another digest')
      return before === undefined ? 'added' : 'moved'
    }
    const refusal = refusalOf(answer)
    if (isTagImmutable(refusal, before !== undefined)) throw immutable(repository, tag, refusal.shown, before)
    throw this.#failure(subject, answer, refusal.shown, access)
  }

  async untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    if ((await this.#digestOf(repository, tag, access)) === undefined) return 'absent'
    const subject = { repository, what: `tag ${tag}`, right: 'delete' } as const
    const path = `/v2/${repository.path}/manifests/${tag}`
    // By the tag's name. Deleting by digest would remove the image and all its tags.
    const answer = await this.#client.send({
      subject,
      access,
      purpose: 'manifest',
      method: 'DELETE',
      path,
      headers: {},
    })
    if (answer.status >= 200 && answer.status < 300) return 'removed'
    const refusal = refusalOf(answer)
    if (isTagImmutable(refusal, false)) throw immutable(repository, tag, refusal.shown)
    const stays = answer.status === 404 && (await this.#digestOf(repository, tag, access)) !== undefined
    // Somebody else removed it, or a first attempt did whose answer was lost.
    if (answer.status === 404 && !stays) return 'removed'
    if (!stays && !isNoUntagging(refusal)) throw this.#failure(subject, answer, refusal.shown, access)
    throw new NeedsChangeError(
      'UntagNotSupported',
      `the registry ${repository.host} does not take off a tag alone (${refusal.shown} for tag ${tag} of repository ${repository.path}), so nothing was removed. Allow deletion in the registry's settings, or remove the tag by its own page or API.`,
    )
  }

  #failure(
    subject: Parameters<typeof statusFailure>[0],
    answer: Answer,
    shown: string,
    { credentials }: Access,
  ): Error {
    const common = answer.status >= 400 && answer.status < 500 && ![401, 403, 404, 429].includes(answer.status)
    if (!common) return statusFailure(subject, answer.status, credentials, answer.retryAfterMs)
    return new RegistryRefusal(
      'RegistryRefused',
      `the registry ${subject.repository.host} refused to change ${subject.what} of repository ${subject.repository.path}: ${shown}`,
      "Check the registry's settings for the repository.",
    )
  }
}

const immutable = ({ host, path }: Repository, tag: string, shown: string, before?: Digest): NeedsChangeError =>
  new RegistryRefusal(
    'TagImmutable',
    `the registry ${host} keeps tag ${tag} of repository ${path} as it is${before === undefined ? '' : `, on ${before}`}, for its tags are immutable (${shown})`,
    "Use another tag, or exempt this one from immutability in the repository's settings.",
  )
