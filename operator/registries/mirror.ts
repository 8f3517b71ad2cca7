/**
 * A registry that is read by way of its mirror: a pull-through cache, or a copy that somebody keeps. Where the mirror is
 * away, or does not have what is asked for, the registry itself is asked. What changes something always goes to the
 * registry itself, and images keep its name.
 */

import { NeedsChangeError, TransientError } from '../errors.ts'
import type { Digest } from '../images/digest.ts'
import type { Repository } from '../images/reference.ts'
import type { Clock } from '../time/clock.ts'
import { monotonicClock } from '../time/timing.ts'
import type { Access, Credentials, Labels, Registry, Tagged, Untagged } from './registry.ts'

export interface Mirror {
  readonly host: string
  /** Before the repository's path, e.g. a proxy project of Harbor; empty for none. */
  readonly prefix: string
  /** The manager's own: a tenant's are for the registry, and are shown to nobody else. */
  readonly credentials: (repository: Repository) => Promise<Credentials>
}

/** A mirror that is away is not asked again before: its deadline would be waited for at each look. */
const awayForMs = 30_000

export class MirroredRegistry implements Registry {
  readonly kind: string
  readonly pushTimes?: NonNullable<Registry['pushTimes']>
  readonly describe?: NonNullable<Registry['describe']>
  readonly #registry: Registry
  readonly #at: Registry
  readonly #mirror: Mirror
  readonly #clock: Clock
  #awayUntil = 0

  /** @param at what serves the mirror's host. Aliases are searched there: what tells them at once is not mirrored. */
  constructor(registry: Registry, at: Registry, mirror: Mirror, clock: Clock = monotonicClock) {
    this.kind = registry.kind
    this.#registry = registry
    this.#at = at
    this.#mirror = mirror
    this.#clock = clock
    if (registry.pushTimes !== undefined) this.pushTimes = registry.pushTimes.bind(registry)
    if (registry.describe !== undefined) this.describe = registry.describe.bind(registry)
  }

  resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    return this.#read(repository, access, (from, there, own) => from.resolve(there, tag, own, known))
  }

  async *tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    // Whole or not at all: half a list of one and half of the other would be the list of neither.
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

  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    return this.#registry.tag(repository, digest, tag, access)
  }

  untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return this.#registry.untag(repository, tag, access)
  }

  async #read<T>(
    repository: Repository,
    access: Access,
    ask: (from: Registry, repository: Repository, access: Access) => Promise<T>,
  ): Promise<T> {
    const { host, prefix, credentials } = this.#mirror
    if (this.#clock.now() < this.#awayUntil) return await ask(this.#registry, repository, access)
    let reason: Error
    try {
      const there = { host, path: prefix === '' ? repository.path : `${prefix}/${repository.path}` }
      return await ask(this.#at, there, { ...access, credentials: await credentials(there) })
    } catch (error) {
      if (!(error instanceof TransientError || error instanceof NeedsChangeError)) throw error
      if (error instanceof TransientError) this.#awayUntil = this.#clock.now() + awayForMs
      reason = error
    }
    try {
      return await ask(this.#registry, repository, access)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      const both = `${error.message} Its mirror ${host} was asked before: ${reason.message}`
      throw new TransientError(error.reason, both, { cause: error, retryAfterMs: error.retryAfterMs })
    }
  }
}
