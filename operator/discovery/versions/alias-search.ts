/**
 * Finds the version tag that points at a digest. A plain OCI registry cannot be asked for that, so tags are resolved one
 * by one: the likeliest first, some at a time, and never more than a bounded number.
 */
import type { LRUCache } from 'lru-cache'
import type { Digest } from '../../images/digest.ts'
import { undefinedIfNoTag } from '../../registries/failures.ts'
import { scopeOf, type VersionQuery } from './version.ts'

const maxRequests = 500
const concurrency = 8

export class AliasSearch {
  readonly #query: VersionQuery
  readonly #cache: LRUCache<string, Digest>
  readonly #scope: string
  /** The tags that this search itself has resolved. */
  readonly #resolved = new Map<string, Promise<Digest | undefined>>()
  #isUnfinished = false

  /** @param cache the digests of tags, as earlier searches found them */
  constructor(query: VersionQuery, cache: LRUCache<string, Digest>) {
    this.#query = query
    this.#cache = cache
    this.#scope = scopeOf(query)
  }

  /**
   * Resolves the tags that are not in the cache, if there are few of them.
   * @returns the tags that point at the digest, by the cache or by now; undefined where too many are unknown
   */
  async pointingAtDigest(tags: readonly string[], maxUnknown: number): Promise<readonly string[] | undefined> {
    const unknown = tags.filter((tag) => this.#cached(tag) === undefined)
    if (unknown.length > maxUnknown) return undefined
    await Promise.all(unknown.map((tag) => this.#resolve(tag)))
    return tags.filter((tag) => this.#cached(tag) === this.#query.digest)
  }

  /** The last list was longer than what was resolved of it. */
  get isUnfinished(): boolean {
    return this.#isUnfinished
  }

  /** The tags that may point at the digest, by the cache. */
  possible(tags: readonly string[]): readonly string[] {
    const { digest } = this.#query
    return tags.filter((tag) => (this.#cached(tag) ?? digest) === digest)
  }

  /**
   * The first of the tags that points at the digest. Resolves each again, whatever is in the cache, so that the answer
   * depends on their order alone, and not on which request is answered first.
   */
  async first(tags: readonly string[]): Promise<string | undefined> {
    const { digest } = this.#query
    const bounded = tags.slice(0, maxRequests)
    this.#isUnfinished = tags.length > maxRequests
    for (let start = 0; start < bounded.length; start += concurrency) {
      const batch = bounded.slice(start, start + concurrency)
      const digests = await Promise.all(batch.map((tag) => this.#resolve(tag)))
      const found = batch.find((_, index) => digests[index] === digest)
      if (found !== undefined) return found
    }
    return undefined
  }

  #cached(tag: string): Digest | undefined {
    return this.#cache.get(`${this.#scope} ${tag}`)
  }

  /** Undefined for a tag that was deleted after the list was read. */
  #resolve(tag: string): Promise<Digest | undefined> {
    const resolved = this.#resolved.get(tag) ?? this.#request(tag)
    this.#resolved.set(tag, resolved)
    return resolved
  }

  async #request(tag: string): Promise<Digest | undefined> {
    const { registry, repository, access } = this.#query
    const key = `${this.#scope} ${tag}`
    try {
      const digest = await registry.resolve(repository, tag, access)
      this.#cache.set(key, digest)
      return digest
    } catch (error) {
      this.#cache.delete(key)
      return undefinedIfNoTag(error)
    }
  }
}
