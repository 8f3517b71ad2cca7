/**
 * Docker Hub: tags are resolved by the registry's API, with HEAD, which does not count as a pull. Aliases and push times come
 * from the Hub's own API (docs.docker.com/reference/api/hub), which can also remove a tag.
 */

import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { abortable } from '../../time/abortable.ts'
import type { Clock } from '../../time/clock.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { accessDenied, type Subject, statusFailure, transportFailure } from '../failures.ts'
import { type ListedTag, ListingRegistry, listedTag, type TagPage } from '../oci/listing-registry.ts'
import { parseObject, recordsIn } from '../oci/manifest.ts'
import type { Access, Aliases, Described, Labels, Untagged } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { SharedReading } from '../shared-reading.ts'
import type { Answer, Transport } from '../transport/transport.ts'
import { HubLogin } from './hub-login.ts'

const hubOrigin = 'https://hub.docker.com'
const tagsPerPage = 100
const listingDeadlineMs = 60_000

interface TagsByDigest {
  readonly byDigest: ReadonlyMap<Digest | undefined, readonly ListedTag[]>
  readonly isComplete: boolean
}

export class DockerHubRegistry extends ListingRegistry {
  override readonly kind = 'dockerhub'
  readonly #hub: string
  readonly #login: HubLogin
  readonly #listings = new SharedReading<TagsByDigest | undefined>()

  constructor(
    transport: Transport,
    { hub = hubOrigin, clock }: { readonly hub?: string | undefined; readonly clock?: Clock } = {},
  ) {
    super(transport, { clock })
    this.#hub = hub
    this.#login = new HubLogin(transport, hub, clock)
  }

  /** `undefined` for a private repository without a login, above a limit, and while the Hub is down. */
  override async aliases(repository: Repository, digest: Digest, access: Access): Promise<Aliases | undefined> {
    const key = `${repository.path} ${credentialId(access.credentials)}`
    const reading = this.#listings.get(key, () => {
      // Other callers may wait for it, so it has its own deadline instead of the signal of one of them.
      const signal = AbortSignal.timeout(listingDeadlineMs)
      return this.ifListed(() => this.#listByDigest(repository, { ...access, signal }), signal)
    })
    const listing = await abortable(reading, access.signal)
    if (listing === undefined) return undefined
    const { byDigest, isComplete } = listing
    return { tags: (byDigest.get(digest) ?? []).map(({ name }) => name), isComplete }
  }

  override async labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    this.#ensurePull(repository, access)
    return await super.labels(repository, digest, access)
  }

  override async describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    this.#ensurePull(repository, access)
    return await super.describe(repository, digest, access)
  }

  override async untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    const subject: Subject = { repository, what: `tag ${tag}`, right: 'delete' }
    try {
      // As Docker's hub-tool does: 204 when the tag is removed, 404 if these credentials see none.
      const path = `/v2/repositories/${repository.path}/tags/${tag}/`
      const { status, retryAfterMs } = await this.#askHub('DELETE', path, access)
      if (status >= 200 && status < 300) return 'removed'
      if (status !== 404) throw statusFailure(subject, status, access.credentials, retryAfterMs)
      // The Hub hides private repositories from those who may not change them.
      await this.resolve(repository, tag, access)
      throw accessDenied(subject, status, access.credentials)
    } catch (error) {
      if (error instanceof NeedsChangeError && error.reason === 'TagNotFound') return 'absent'
      throw transportFailure(subject, error)
    }
  }

  async wouldUntag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return (await this.digestOf(repository, tag, access)) === undefined ? 'absent' : 'removed'
  }

  /** Tags that changed last come first. */
  protected async requestPage({ path }: Repository, page: number, access: Access): Promise<Answer> {
    const [namespace = '', ...name] = path.split('/')
    const base = `/v2/namespaces/${namespace}/repositories/${encodeURIComponent(name.join('/'))}/tags`
    return await this.#askHub('GET', `${base}?page_size=${tagsPerPage}&page=${page}&ordering=last_updated`, access)
  }

  /** "List repository tags". */
  protected parsePage(body: Buffer): TagPage | undefined {
    const { results, next } = parseObject(body) ?? {}
    if (!Array.isArray(results)) return undefined
    const tags = recordsIn(results).flatMap(({ name, digest, images, tag_last_pushed, last_updated }) =>
      listedTag(
        name,
        isDigest(digest) ? digest : onlyImage(images),
        Date.parse(String(tag_last_pushed ?? last_updated)),
      ),
    )
    return { tags, isLast: typeof next !== 'string' || next === '' || results.length === 0 }
  }

  /** To read a manifest is a pull: not when none is left. */
  #ensurePull({ host, path }: Repository, { credentials }: Access): void {
    const allowance = this.transport.allowance(host, credentialId(credentials))
    const { remaining, limit } = allowance ?? { remaining: 1, limit: 1 }
    if (remaining > 0) return
    throw new TransientError(
      'RegistryThrottled',
      `Docker Hub's limit of ${limit} pulls is used up, so no image of repository ${path} was read. cvmanager tries again; if it lasts, use credentials with a higher limit.`,
    )
  }

  async #askHub(method: 'GET' | 'DELETE', path: string, access: Access): Promise<Answer> {
    const origin = this.#hub
    // Its limits are not those of the registry.
    const { host } = new URL(origin)
    const ask = async () =>
      this.ask(host, path, access, { method, origin, authorization: await this.#login.header(access.credentials) })
    const answer = await ask()
    if (answer.status !== 401 || access.credentials.kind !== 'basic') return answer
    this.#login.forget(access.credentials)
    return await ask()
  }

  async #listByDigest(repository: Repository, access: Access): Promise<TagsByDigest> {
    const { tags, isComplete } = await this.list(repository, access)
    return { byDigest: Map.groupBy(tags, ({ digest }) => digest), isComplete }
  }
}

/** Old tags have their digest only at the image. With several images, it would be that of one platform. */
function onlyImage(images: unknown): unknown {
  const [image, ...others] = recordsIn(images)
  return others.length === 0 ? image?.digest : undefined
}

export const dockerHub: RegistryKind = {
  kind: 'dockerhub',
  serves: (host) => host === 'docker.io',
  make: ({ transport, endpoints }) => new DockerHubRegistry(transport, { hub: endpoints['docker-hub'] }),
}
