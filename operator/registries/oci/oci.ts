/** A registry of the OCI distribution API, with nothing beyond its specification. */
import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { digestOf, isContentOf, isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { isTag, repositoryName } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { answerInvalid, type Subject, statusFailure } from '../failures.ts'
import type { Access, Described, Labels, Registry, Tagged, Untagged } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import type { Answer, Purpose, Transport } from '../transport/transport.ts'
import { OciClient } from './client.ts'
import { nextLink } from './link.ts'
import { labelsOfConfig, type Manifest, manifestTypes, mediaTypeOf, parseManifest, parseObject } from './manifest.ts'
import { changeFailure, imageNotFound, isNoUntagging, isTagImmutable, refusalOf, tagImmutable } from './refusal.ts'

const tagsPerPage = 1000
/** A longer list must be a loop. */
const maxPages = 1000
/** With at most 1,000 tags each, some 10 MB. */
const maxCachedPages = 200
const maxEtag = 256

/**
 * A page of a tag list that came with an entity tag, so that the next request for it can be conditional. The distribution
 * specification does not require entity tags, and most registries send none.
 */
interface CachedPage {
  readonly etag: string
  readonly tags: readonly string[]
  /** The path of the next page. */
  readonly next: string | undefined
}

export interface OciOptions {
  /** The name of a registry that differs only in the credentials that it takes. */
  readonly kind?: string
  readonly clock?: Clock | undefined
}

export class OciRegistry implements Registry {
  readonly kind: string
  protected readonly transport: Transport
  readonly #client: OciClient
  readonly #pages = new LRUCache<string, CachedPage>({ max: maxCachedPages })

  constructor(transport: Transport, { kind = 'oci', clock }: OciOptions = {}) {
    this.kind = kind
    this.transport = transport
    this.#client = new OciClient(transport, clock)
  }

  async resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    const subject: Subject = { repository, what: `tag ${tag}` }
    const path = manifestPath(repository, tag)
    // Most registries use the digest as the manifest's entity tag. The others answer in full, which costs headers only.
    const condition = known === undefined ? undefined : { 'if-none-match': `"${known}"` }
    const headers = { accept: manifestTypes, ...condition }
    const answer = await this.#client.send({ subject, access, purpose: 'manifest', method: 'HEAD', path, headers })
    if (answer.status === 304 && known !== undefined) return known
    if (answer.status !== 200) throw statusFailure(subject, answer.status, access.credentials, answer.retryAfterMs)

    const digest = answer.headers['docker-content-digest']
    if (digest === undefined)
      return digestOf(contentOf(await this.#get(subject, access, 'manifest', path), subject, access))
    if (isDigest(digest)) return digest
    throw answerInvalid(subject, 'its Docker-Content-Digest is not a digest')
  }

  /** `undefined` if there is no such tag. */
  protected async digestOf(repository: Repository, tag: string, access: Access): Promise<Digest | undefined> {
    try {
      return await this.resolve(repository, tag, access)
    } catch (error) {
      if (error instanceof NeedsChangeError && error.reason === 'TagNotFound') return undefined
      throw error
    }
  }

  async *tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    const subject: Subject = { repository, what: 'the list of tags' }
    const base = `/v2/${repository.path}/tags/list`
    let path: string | undefined = `${base}?n=${tagsPerPage}`
    for (let pages = 0; path !== undefined; pages++) {
      if (pages === maxPages) throw answerInvalid(subject, `more than ${maxPages} pages`)
      // By credential: what one tenant may see is not shown to another.
      const key = `${repositoryName(repository)} ${path} ${credentialId(access.credentials)}`
      const known = this.#pages.get(key)
      const headers = { accept: 'application/json', ...(known && { 'if-none-match': known.etag }) }
      const answer = await this.#client.send({ subject, access, purpose: 'tags', method: 'GET', path, headers })
      if (answer.status === 304 && known !== undefined) {
        yield known.tags
        path = known.next
        continue
      }
      if (answer.status !== 200) throw statusFailure(subject, answer.status, access.credentials, answer.retryAfterMs)
      const { tags } = parseObject(answer.body) ?? {}
      // A repository without tags has null there.
      if (!Array.isArray(tags) && tags !== null) throw answerInvalid(subject, 'no list of tags in it')
      const page = (tags ?? []).filter((tag: unknown): tag is string => typeof tag === 'string' && isTag(tag))
      const next = this.#nextPage(subject, path, base, nextLink(answer.headers.link?.toString()))
      const { etag } = answer.headers
      if (typeof etag === 'string' && etag !== '' && etag.length <= maxEtag)
        this.#pages.set(key, { etag, tags: page, next })
      else this.#pages.delete(key)
      yield page
      path = next
    }
  }

  async labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const manifest = await this.#manifest(repository, digest, access)
    const image =
      manifest.firstImage === undefined ? manifest : await this.#manifest(repository, manifest.firstImage, access)
    const labels = image.config === undefined ? {} : await this.#configLabels(repository, image.config, access)
    return { ...labels, ...image.annotations, ...manifest.annotations }
  }

  async describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    const stored = await this.#stored(repository, digest, access)
    return { mediaType: mediaTypeOf(stored), platforms: parseManifest(stored.body)?.platforms ?? [] }
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
      `the registry ${repository.host} does not take off a tag alone (${refusal.shown} for tag ${tag} of repository ${repository.path}), so nothing was removed. Allow deletion in the registry's settings, or remove the tag by its own page or API.`,
    )
  }

  async #manifest(repository: Repository, digest: Digest, access: Access): Promise<Manifest> {
    const manifest = parseManifest((await this.#stored(repository, digest, access)).body)
    if (manifest === undefined) throw answerInvalid(imageOf(repository, digest), 'no manifest in it')
    return manifest
  }

  async #configLabels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const subject: Subject = { repository, what: `config ${digest}` }
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

  /** Within the same listing only: a link elsewhere would get the credentials. */
  #nextPage(subject: Subject, current: string, base: string, link: string | undefined): string | undefined {
    if (link === undefined) return undefined
    const origin = this.transport.originOf(subject.repository.host)
    const target = URL.canParse(link, `${origin}${current}`) ? new URL(link, `${origin}${current}`) : undefined
    const path = target === undefined ? undefined : `${target.pathname}${target.search}`
    // Behind a proxy that terminates TLS, registries write http:// into their links, so the scheme is ignored.
    const isHere = target !== undefined && target.host === new URL(origin).host && target.pathname === base
    if (!isHere || path === undefined || path === current)
      throw answerInvalid(subject, 'its link to the next page leads elsewhere')
    return path
  }
}

const manifestPath = ({ path }: Repository, reference: string): string => `/v2/${path}/manifests/${reference}`

const imageOf = (repository: Repository, digest: Digest): Subject => ({ repository, what: `image ${digest}` })

/** The body, verified by its digest if that is known. */
function contentOf(answer: Answer, subject: Subject, { credentials }: Access, digest?: Digest): Buffer {
  if (answer.status !== 200) throw statusFailure(subject, answer.status, credentials, answer.retryAfterMs)
  if (digest !== undefined && !isContentOf(digest, answer.body)) {
    throw answerInvalid(subject, 'its content does not have that digest')
  }
  return answer.body
}

/** Serves every host that no other kind serves. */
export const oci: RegistryKind = {
  kind: 'oci',
  serves: () => true,
  make: ({ transport }) => new OciRegistry(transport),
}
