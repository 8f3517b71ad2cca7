/**
 * Finds the version tag that points at a digest. A plain OCI registry cannot be asked that, so tags are looked at one by
 * one: only those that are not known yet, the likeliest first, some at a time, and never more than a bounded number.
 */
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { RememberedTags, TagDigests } from './tag-digests.ts'
import type { VersionPlace } from './version.ts'

/** Requests of one search. */
const mostLooks = 500
const looksAtATime = 8

export class AliasSearch {
  readonly #query: VersionPlace
  readonly #memory: RememberedTags
  /** What this search has seen with its own eyes. */
  readonly #seen = new Map<string, Promise<Digest | undefined>>()

  constructor(query: VersionPlace, memory: TagDigests) {
    this.#query = query
    this.#memory = memory.of(query.repository, query.access)
  }

  /** Looks at tags that are likely to be asked for. */
  begin(likely: readonly string[]): void {
    // Whoever asks for one hears of its failure.
    for (const tag of likely) this.#look(tag).catch(() => undefined)
  }

  /** Those of the candidates that would have to be asked for. */
  unknown(candidates: readonly string[]): string[] {
    return candidates.filter((tag) => this.#remembered(tag) === undefined)
  }

  /** Looks at these; then says which of the candidates point at the digest, by memory or by sight. */
  async among(candidates: readonly string[], unknown: readonly string[]): Promise<string[]> {
    await Promise.all(unknown.map((tag) => this.#look(tag)))
    return candidates.filter((tag) => this.#remembered(tag) === this.#query.digest)
  }

  /**
   * The first that points at the digest: of the likely tags, whatever is remembered of them, then of the candidates in
   * their order. What is remembered is looked at again before it counts, so the answer depends on that order alone and
   * not on who answers first.
   */
  async first(likely: readonly string[], candidates: readonly string[]): Promise<string | undefined> {
    const { digest } = this.#query
    const possible = new Set(candidates)
    const preferred = new Set(likely.filter((tag) => possible.has(tag)))
    const others = candidates.filter((tag) => !preferred.has(tag) && (this.#remembered(tag) ?? digest) === digest)
    for (const batch of [...inBatches([...preferred]), ...inBatches(others.slice(0, mostLooks))]) {
      const digests = await Promise.all(batch.map((tag) => this.#look(tag)))
      const found = batch.find((_, at) => digests[at] === digest)
      if (found !== undefined) return found
    }
    return undefined
  }

  #remembered(tag: string): Digest | undefined {
    return this.#memory.get(tag)
  }

  #look(tag: string): Promise<Digest | undefined> {
    const seen = this.#seen.get(tag) ?? this.#ask(tag)
    this.#seen.set(tag, seen)
    return seen
  }

  /** Undefined where the tag was taken away since the list was made. */
  async #ask(tag: string): Promise<Digest | undefined> {
    const { registry, repository, access } = this.#query
    try {
      const digest = await registry.resolve(repository, tag, access)
      this.#memory.set(tag, digest)
      return digest
    } catch (error) {
      this.#memory.delete(tag)
      if (!(error instanceof NeedsChangeError) || error.reason !== 'TagNotFound') throw error
      return undefined
    }
  }
}

const inBatches = (tags: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(tags.length / looksAtATime) }, (_, at) =>
    tags.slice(at * looksAtATime, (at + 1) * looksAtATime),
  )
