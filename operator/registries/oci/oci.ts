/** A registry of the OCI distribution API, with nothing beyond its specification. */
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { isContentOf, shortDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { answerInvalid, type Subject, statusFailure, undefinedIfNoTag } from '../failures.ts'
import type { Access, Described, Labels, Registry, Tagged, Untagged } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import type { Answer, Purpose, Transport } from '../transport/transport.ts'
import { OciClient } from './client.ts'
import {
  describedBy,
  labelsBy,
  labelsOfConfig,
  type Manifest,
  manifestOf,
  manifestTypes,
  mediaTypeOf,
  shown,
} from './manifest.ts'
import { ManifestCache } from './manifest-cache.ts'
import { changeFailure, imageNotFound, isNoUntagging, isTagImmutable, refusalOf, tagImmutable } from './refusal.ts'
import { TagDigests } from './tag-digest.ts'
import { TagPages } from './tag-pages.ts'

export interface OciOptions {
  /** The name of a registry that differs only in the credentials that it takes. */
  readonly kind?: string
  readonly clock?: Clock | undefined
}

export class OciRegistry implements Registry {
  readonly kind: string
  protected readonly transport: Transport
  readonly #client: OciClient
  readonly #digests: TagDigests
  readonly #pages: TagPages
  readonly #manifests = new ManifestCache()

  constructor(transport: Transport, { kind = 'oci', clock }: OciOptions = {}) {
    this.kind = kind
    this.transport = transport
    this.#client = new OciClient(transport, clock)
    this.#digests = new TagDigests(this.#client, clock)
    this.#pages = new TagPages(this.#client)
  }

  resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    return this.#digests.of(repository, tag, access, known)
  }

  /** `undefined` if there is no such tag. */
  protected digestOf(repository: Repository, tag: string, access: Access): Promise<Digest | undefined> {
    return this.resolve(repository, tag, access).catch(undefinedIfNoTag)
  }

  tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    return this.#pages.of(repository, access)
  }

  async labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const manifest = await this.#manifest(repository, digest, access)
    return await labelsBy(
      manifest,
      (image) => this.#manifest(repository, image, access),
      (config) => this.#configLabels(repository, config, access),
    )
  }

  async describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    const manifest = await this.#manifest(repository, digest, access)
    return await describedBy(manifest, (image) => this.#manifest(repository, image, access))
  }

  /** Pushes the manifest again, byte for byte, under another name: an index stays whole. */
  async tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    const before = await this.digestOf(repository, tag, access)
    if (before === digest) return 'unchanged'
    const stored = await this.#stored(repository, digest, access)
    const mediaType = mediaTypeOf(stored)
    if (mediaType === undefined)
      throw answerInvalid(imageOf(repository, digest), 'it does not tell the kind of the manifest')
    const subject: Subject = { repository, what: `tag ${tag}`, right: 'push' }
    const answer = await this.#client.send({
      subject,
      access,
      purpose: 'manifest',
      method: 'PUT',
      path: manifestPath(repository, tag),
      headers: { 'content-type': mediaType },
      body: stored.body,
    })
    if (answer.status >= 200 && answer.status < 300) {
      const pushed = answer.headers['docker-content-digest'] ?? digest
      if (pushed !== digest) throw answerInvalid(subject, 'it stored the image under another digest')
      return before === undefined ? 'added' : 'moved'
    }
    const refusal = refusalOf(answer)
    if (isTagImmutable(refusal, before !== undefined)) throw tagImmutable(repository, tag, refusal.shown, before)
    throw changeFailure(subject, answer, refusal.shown, access)
  }

  async untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    if ((await this.digestOf(repository, tag, access)) === undefined) return 'absent'
    const subject: Subject = { repository, what: `tag ${tag}`, right: 'delete' }
    // By the tag's name. Deleting by digest would remove the image and all its tags.
    const path = manifestPath(repository, tag)
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
    if (isTagImmutable(refusal, false)) throw tagImmutable(repository, tag, refusal.shown)
    const stays = answer.status === 404 && (await this.digestOf(repository, tag, access)) !== undefined
    // Somebody else removed it, or a first attempt did whose answer was lost.
    if (answer.status === 404 && !stays) return 'removed'
    if (!stays && !isNoUntagging(refusal)) throw changeFailure(subject, answer, refusal.shown, access)
    throw new NeedsChangeError(
      'UntagNotSupported',
      `the registry ${repository.host} cannot remove a tag without its image (${refusal.shown} for tag ${tag} of repository ${repository.path}), so nothing was removed. Allow deletion in the registry's settings, or remove the tag on its own page or by its API.`,
    )
  }

  async #manifest(repository: Repository, digest: Digest, access: Access): Promise<Manifest> {
    return await this.#manifests.get(repository, digest, access, async () => {
      const stored = await this.#stored(repository, digest, access)
      return { manifest: manifestOf(stored, imageOf(repository, digest)), bytes: stored.body.length }
    })
  }

  async #configLabels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const subject: Subject = { repository, what: `config ${shortDigest(digest)}` }
    const answer = await this.#get(subject, access, 'blob', `/v2/${repository.path}/blobs/${digest}`)
    return labelsOfConfig(contentOf(answer, subject, access, digest))
  }

  /**
   * A manifest or index, byte for byte as it was pushed.
   * @throws NeedsChangeError `ImageNotFound`; else as `resolve`
   */
  async #stored(repository: Repository, digest: Digest, access: Access): Promise<Answer> {
    const subject = imageOf(repository, digest)
    const answer = await this.#get(subject, access, 'manifest', manifestPath(repository, digest))
    if (answer.status === 404) throw imageNotFound(subject)
    contentOf(answer, subject, access, digest)
    return answer
  }

  async #get(subject: Subject, access: Access, purpose: Purpose, path: string): Promise<Answer> {
    const headers = { accept: purpose === 'manifest' ? manifestTypes : '*/*' }
    return await this.#client.send({ subject, access, purpose, method: 'GET', path, headers })
  }
}

const manifestPath = ({ path }: Repository, reference: string): string => `/v2/${path}/manifests/${reference}`

const imageOf = (repository: Repository, digest: Digest): Subject => ({
  repository,
  what: `image ${shortDigest(digest)}`,
})

/** The body, verified by its digest if that is known. */
function contentOf(answer: Answer, subject: Subject, { credentials }: Access, digest?: Digest): Buffer {
  if (answer.status !== 200) throw statusFailure(subject, answer.status, credentials, answer.retryAfterMs)
  if (digest !== undefined && !isContentOf(digest, answer.body)) {
    throw answerInvalid(subject, `its content does not have that digest, and is ${shown(answer)}`)
  }
  return answer.body
}

/** Serves every host that no other kind serves. */
export const oci: RegistryKind = {
  kind: 'oci',
  serves: () => true,
  make: ({ transport }) => new OciRegistry(transport),
}
