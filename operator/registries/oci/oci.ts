/** A registry of the OCI distribution API, with nothing beyond its specification. */
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { digestOf, isContentOf, isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { isTag } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { answerInvalid, type Subject, statusFailure } from '../failures.ts'
import type { Access, Described, Labels, Registry, Tagged, Untagged } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import type { Purpose, Transport } from '../transport/transport.ts'
import { OciClient } from './client.ts'
import { nextLink } from './link.ts'
import { labelsOfConfig, type Manifest, manifestTypes, parseManifest, parseObject } from './manifest.ts'
import { readManifest } from './stored-manifest.ts'
import { TagPages } from './tag-pages.ts'
import { OciTagging } from './tagging.ts'

const tagsPerPage = 1000
/** A longer listing goes round in circles. */
const maxPages = 1000

export interface OciOptions {
  /** Of a registry that differs only by the credentials it takes. */
  readonly kind?: string
  readonly clock?: Clock | undefined
}

export class OciRegistry implements Registry {
  readonly kind: string
  protected readonly transport: Transport
  readonly #client: OciClient
  readonly #tagging: OciTagging
  readonly #tagPages = new TagPages()

  constructor(transport: Transport, { kind = 'oci', clock }: OciOptions = {}) {
    this.kind = kind
    this.transport = transport
    this.#client = new OciClient(transport, clock)
    this.#tagging = new OciTagging(this.#client, (...of) => this.digestOf(...of))
  }

  async resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    const subject: Subject = { repository, what: `tag ${tag}` }
    const path = `/v2/${repository.path}/manifests/${tag}`
    // Most registries use the digest as the manifest's entity tag. The others answer in full, which costs headers only.
    const condition = known === undefined ? undefined : { 'if-none-match': `"${known}"` }
    const headers = { accept: manifestTypes, ...condition }
    const answer = await this.#client.send({ subject, access, purpose: 'manifest', method: 'HEAD', path, headers })
    if (answer.status === 304 && known !== undefined) return known
    if (answer.status !== 200) throw statusFailure(subject, answer.status, access.credentials, answer.retryAfterMs)

    const digest = answer.headers['docker-content-digest']
    if (digest === undefined) return digestOf(await this.#content(subject, access, 'manifest', path))
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
      const known = this.#tagPages.get(repository, path, access)
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
      this.#tagPages.remember(repository, path, access, { tags: page, next }, answer.headers.etag)
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
    const { mediaType, bytes } = await readManifest(this.#client, repository, digest, access)
    return { mediaType, platforms: parseManifest(bytes)?.platforms ?? [] }
  }

  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    return this.#tagging.tag(repository, digest, tag, access)
  }

  untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return this.#tagging.untag(repository, tag, access)
  }

  async #manifest(repository: Repository, digest: Digest, access: Access): Promise<Manifest> {
    const subject: Subject = { repository, what: `image ${digest}` }
    const body = await this.#content(subject, access, 'manifest', `/v2/${repository.path}/manifests/${digest}`, digest)
    const manifest = parseManifest(body)
    if (manifest === undefined) throw answerInvalid(subject, 'no manifest in it')
    return manifest
  }

  async #configLabels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const subject: Subject = { repository, what: `config ${digest}` }
    return labelsOfConfig(
      await this.#content(subject, access, 'blob', `/v2/${repository.path}/blobs/${digest}`, digest),
    )
  }

  /** A body, verified by its digest if that is known. */
  async #content(subject: Subject, access: Access, purpose: Purpose, path: string, digest?: Digest): Promise<Buffer> {
    const headers = { accept: purpose === 'manifest' ? manifestTypes : '*/*' }
    const answer = await this.#client.send({ subject, access, purpose, method: 'GET', path, headers })
    if (answer.status !== 200) throw statusFailure(subject, answer.status, access.credentials, answer.retryAfterMs)
    if (digest !== undefined && !isContentOf(digest, answer.body)) {
      throw answerInvalid(subject, 'its content does not have that digest')
    }
    return answer.body
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

/** Serves every host that no other kind serves. */
export const oci: RegistryKind = {
  kind: 'oci',
  serves: () => true,
  make: ({ transport }) => new OciRegistry(transport),
}
