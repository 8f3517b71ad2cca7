/**
 * Docker Hub: tags are resolved by the registry's API, with HEAD, which is not counted as a pull; aliases and push times
 * come from the Hub's own list of tags, which has their digests.
 */

import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { type Asked, accessDenied, statusFailure, transportFailure } from '../failures.ts'
import { OciRegistry } from '../oci/oci.ts'
import type { Access, Labels, Untagged } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { SharedReading } from '../shared-reading.ts'
import { abortable } from '../transport/abortable.ts'
import { Paused, type Transport, Unreachable } from '../transport/transport.ts'
import { HubApi } from './hub-api.ts'
import type { ListedTag } from './hub-tags.ts'

const listingDeadlineMs = 60_000

export class DockerHubRegistry extends OciRegistry {
  override readonly kind = 'dockerhub'
  readonly #hub: HubApi
  readonly #listings = new SharedReading<ReadonlyMap<Digest, readonly string[]> | undefined>()

  constructor(
    transport: Transport,
    options: { readonly hub?: string | undefined; readonly clock?: Clock | undefined } = {},
  ) {
    super(transport, { clock: options.clock })
    this.#hub = new HubApi(transport, options.hub, options.clock)
  }

  /** Undefined where the Hub does not tell: a private repository without a login there, a limit, or the Hub is away. */
  async aliases(repository: Repository, digest: Digest, access: Access): Promise<readonly string[] | undefined> {
    const key = `${repository.path} ${credentialId(access.credentials)}`
    const reading = this.#listings.get(key, () => this.#listing(repository, access))
    const listing = await abortable(reading, access.signal)
    return listing === undefined ? undefined : (listing.get(digest) ?? [])
  }

  async *pushTimes(repository: Repository, access: Access): AsyncIterable<ReadonlyMap<string, number>> {
    const asked: Asked = { repository, what: 'the list of tags with their push times' }
    try {
      const pages = this.#hub.tags(repository, access)
      for (let page = await pages.next(); ; page = await pages.next()) {
        if (page.done !== true) {
          yield timesOf(page.value)
          continue
        }
        if (page.value === undefined) return
        const { status, retryAfterMs } = page.value
        throw statusFailure(asked, status, access.credentials, retryAfterMs)
      }
    } catch (error) {
      throw transportFailure(asked, error)
    }
  }

  /** Reads the image's manifest, which is a pull: not where none is left. */
  override async labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const { remaining, limit } = this.transport.allowance(repository.host) ?? { remaining: 1, limit: 1 }
    if (remaining > 0) return await super.labels(repository, digest, access)
    throw new TransientError(
      'RegistryThrottled',
      `Docker Hub's limit of ${limit} pulls is used up, so the labels of repository ${repository.path} were not read. It is tried again; give the image a version tag, or use credentials with a higher limit.`,
    )
  }

  override async untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    const asked: Asked = { repository, what: `tag ${tag}`, right: 'delete' }
    try {
      const { status, retryAfterMs } = await this.#hub.untag(repository, tag, access)
      if (status >= 200 && status < 300) return 'removed'
      if (status !== 404) throw statusFailure(asked, status, access.credentials, retryAfterMs)
      // The Hub does not show a private repository to those who may not change it.
      await this.resolve(repository, tag, access)
      throw accessDenied(asked, status, access.credentials)
    } catch (error) {
      if (error instanceof NeedsChangeError && error.reason === 'TagNotFound') return 'absent'
      throw transportFailure(asked, error)
    }
  }

  async wouldUntag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    try {
      await this.resolve(repository, tag, access)
      return 'removed'
    } catch (error) {
      if (error instanceof NeedsChangeError && error.reason === 'TagNotFound') return 'absent'
      throw error
    }
  }

  async #listing(repository: Repository, access: Access): Promise<ReadonlyMap<Digest, readonly string[]> | undefined> {
    const found = new Map<Digest, string[]>()
    // Not called off with one of those who wait for it, and still not without an end.
    const signal = AbortSignal.timeout(listingDeadlineMs)
    try {
      const pages = this.#hub.tags(repository, { ...access, signal })
      for (let page = await pages.next(); ; page = await pages.next()) {
        if (page.done === true) return page.value === undefined ? found : undefined
        for (const { name, digest } of page.value) if (digest !== undefined) add(found, digest, name)
      }
    } catch (error) {
      if (error instanceof Unreachable || error instanceof Paused || signal.aborted) return undefined
      throw error
    }
  }
}

function add(found: Map<Digest, string[]>, digest: Digest, name: string): void {
  const names = found.get(digest)
  if (names === undefined) found.set(digest, [name])
  else names.push(name)
}

const timesOf = (tags: readonly ListedTag[]): ReadonlyMap<string, number> =>
  new Map(tags.flatMap(({ name, pushedAt }) => (pushedAt === undefined ? [] : [[name, pushedAt] as const])))

export const dockerHub: RegistryKind = {
  kind: 'dockerhub',
  serves: (host) => host === 'docker.io',
  make: ({ transport, endpoints }) => new DockerHubRegistry(transport, { hub: endpoints['docker-hub'] }),
}
