/**
 * A registry that is read through its mirror: a pull-through cache, or a copy that somebody maintains. If the mirror is down
 * or lacks something, the registry itself is asked. Changes always go to the registry, and images keep its name.
 */

import { NeedsChangeError, TransientError } from '../errors.ts'
import type { Digest } from '../images/digest.ts'
import type { Repository } from '../images/reference.ts'
import type { Clock } from '../time/clock.ts'
import type { Access, Credentials, Described, Labels, Registry, Tagged, Untagged } from './registry.ts'

export interface Mirror {
  readonly host: string
  /** Goes before the repository's path, e.g. a proxy project of Harbor; may be empty. */
  readonly prefix: string
  /** The manager's own credentials: those of a tenant are for the registry only. */
  readonly credentials: (repository: Repository, signal: AbortSignal | undefined) => Promise<Credentials>
}

/** How long cvmanager does not ask a mirror that is down. Otherwise each poll would wait for its deadline. */
const downForMs = 30_000

export class MirroredRegistry implements Registry {
  readonly kind: string
  readonly pushTimes?: NonNullable<Registry['pushTimes']>
  readonly #registry: Registry
  readonly #at: Registry
  readonly #mirror: Mirror
  readonly #clock: Clock
  #downUntil = 0

  /** @param at serves the mirror's host. Aliases are searched for there: an API that lists them is not mirrored. */
  constructor(registry: Registry, at: Registry, mirror: Mirror, clock: Clock) {
    this.kind = registry.kind
    this.#registry = registry
    this.#at = at
    this.#mirror = mirror
    this.#clock = clock
    if (registry.pushTimes !== undefined) this.pushTimes = registry.pushTimes.bind(registry)
  }

  resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    return this.#read(repository, access, (from, there, own) => from.resolve(there, tag, own, known))
  }

  async *tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    // All pages come from one of them: the two lists may differ.
    const pages = await this.#read(repository, access, async (from, there, own) => {
      const all: (readonly string[])[] = []
      for await (const page of from.tags(there, own)) all.push(page)
      return all
    })
    yield* pages
  }

  labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    return this.#read(repository, access, (from, there, own) => from.labels(there, digest, own))
  }

  describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    return this.#read(repository, access, (from, there, own) => from.describe(there, digest, own))
  }

  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    return this.#registry.tag(repository, digest, tag, access)
  }

  untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return this.#registry.untag(repository, tag, access)
  }

  async #read<T>(
    repository: Repository,
    access: Access,
    read: (from: Registry, repository: Repository, access: Access) => Promise<T>,
  ): Promise<T> {
    const { host, prefix, credentials } = this.#mirror
    if (this.#clock.now() < this.#downUntil) return await read(this.#registry, repository, access)
    let reason: Error
    try {
      const there = { host, path: prefix === '' ? repository.path : `${prefix}/${repository.path}` }
      return await read(this.#at, there, { ...access, credentials: await credentials(there, access.signal) })
    } catch (error) {
      if (!(error instanceof TransientError || error instanceof NeedsChangeError)) throw error
      if (error instanceof TransientError) this.#downUntil = this.#clock.now() + downForMs
      reason = error
    }
    try {
      return await read(this.#registry, repository, access)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      const both = `${error.message} Its mirror ${host} failed before: ${reason.message}`
      throw new TransientError(error.reason, both, { cause: error, retryAfterMs: error.retryAfterMs })
    }
  }
}
