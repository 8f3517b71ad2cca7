/**
 * Docker Hub: tags are resolved by the registry's API, with HEAD, which does not count as a pull. Aliases and push times come
 * from the Hub's own list of tags.
 */
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { accessDenied, type Subject, statusFailure, transportFailure } from '../failures.ts'
import type { TagPage } from '../listed-tag.ts'
import { ListingRegistry } from '../oci/listing-registry.ts'
import type { Access, Labels, Untagged } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { SharedReading } from '../shared-reading.ts'
import { abortable } from '../transport/abortable.ts'
import type { Answer, Transport } from '../transport/transport.ts'
import { HubApi, parseHubPage } from './hub-api.ts'

const listingDeadlineMs = 60_000

type TagsByDigest = ReadonlyMap<Digest, readonly string[]>

export class DockerHubRegistry extends ListingRegistry {
  override readonly kind = 'dockerhub'
  readonly #hub: HubApi
  readonly #listings = new SharedReading<TagsByDigest | undefined>()

  constructor(
    transport: Transport,
    { hub, clock }: { readonly hub?: string | undefined; readonly clock?: Clock } = {},
  ) {
    super(transport, { clock })
    this.#hub = new HubApi(transport, hub, clock)
  }

  /** `undefined` for a private repository without a login, above a limit, and while the Hub is down. */
  override async aliases(
    repository: Repository,
    digest: Digest,
    access: Access,
  ): Promise<readonly string[] | undefined> {
    const key = `${repository.path} ${credentialId(access.credentials)}`
    const reading = this.#listings.get(key, () => {
      // Other callers may wait for it, so it has its own deadline instead of the signal of one of them.
      const signal = AbortSignal.timeout(listingDeadlineMs)
      return this.ifListed(() => this.#list(repository, { ...access, signal }), signal)
    })
    const listing = await abortable(reading, access.signal)
    return listing === undefined ? undefined : (listing.get(digest) ?? [])
  }

  /** Reads the image's manifest, which is a pull: not when none is left. */
  override async labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const { remaining, limit } = this.transport.allowance(repository.host) ?? { remaining: 1, limit: 1 }
    if (remaining > 0) return await super.labels(repository, digest, access)
    throw new TransientError(
      'RegistryThrottled',
      `Docker Hub's limit of ${limit} pulls is used up, so the labels of repository ${repository.path} were not read. cvmanager tries again; give the image a version tag, or use credentials with a higher limit.`,
    )
  }

  override async untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    const subject: Subject = { repository, what: `tag ${tag}`, right: 'delete' }
    try {
      const { status, retryAfterMs } = await this.#hub.untag(repository, tag, access)
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

  protected async requestPage(repository: Repository, page: number, access: Access): Promise<Answer> {
    return await this.#hub.tags(repository, page, access)
  }

  protected parsePage(body: Buffer): TagPage | undefined {
    return parseHubPage(body)
  }

  async #list(repository: Repository, access: Access): Promise<TagsByDigest> {
    const found = new Map<Digest, string[]>()
    for await (const page of this.pages(repository, access)) {
      for (const { name, digest } of page) {
        const names = digest && found.get(digest)
        if (names) names.push(name)
        else if (digest) found.set(digest, [name])
      }
    }
    return found
  }
}

export const dockerHub: RegistryKind = {
  kind: 'dockerhub',
  serves: (host) => host === 'docker.io',
  make: ({ transport, endpoints }) => new DockerHubRegistry(transport, { hub: endpoints['docker-hub'] }),
}
