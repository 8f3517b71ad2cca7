/**
 * The version of a digest, in the order in which a person would want it: a tag, what the image says, the digest. Of
 * several tags the one that the image's labels name goes first, then the highest by numbers: whatever the registry, the
 * same image has the same version, and in whatever order it answers (B04).
 */

import type { Digest } from '../../images/digest.ts'
import { repositoryName } from '../../images/reference.ts'
import { Lru } from '../../registries/lru.ts'
import type { Labels } from '../../registries/registry.ts'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import type { Version } from '../following.ts'
import { AliasSearch } from './alias.ts'
import { candidateTags, highestFirst } from './candidates.ts'
import { likelyTags, versionOfLabels } from './labels.ts'
import { TagDigests } from './tag-digests.ts'
import { TagLists } from './tag-lists.ts'
import type { Ahead, VersionPlace, VersionQuery, Versions } from './version.ts'
import { parseVersionSyntax, type VersionSyntax } from './version-syntax.ts'

/** With so few tags to ask about, asking is cheaper than reading the labels first. */
const fewTags = 8
/** Tags that a hint made likely, of those that are looked at ahead. */
const mostLikely = 2

/** Of a repository with more tags, the labels are asked first: to list them all costs a request for each thousand. */
const manyTags = 1_000
const mostRepositories = 1_000

export class VersionFinder implements Versions {
  readonly #memory: TagDigests
  readonly #lists = new TagLists()
  /** Repositories that had many tags when they were listed last. */
  readonly #large = new Lru<true>(mostRepositories)

  constructor(clock: Clock = monotonicClock) {
    this.#memory = new TagDigests(clock)
  }

  readAhead(place: VersionPlace, likely: readonly string[], versionSyntaxes: readonly string[]): Reading {
    const reading = this.#read(place)
    // Whoever needs it hears of its failure.
    if (this.#isLarge(place)) reading.labels().catch(() => undefined)
    else reading.tags().catch(() => undefined)
    if (place.registry.aliases === undefined)
      reading.search.begin(matching(likely, versionSyntaxes).slice(0, mostLikely))
    return reading
  }

  async find(query: VersionQuery): Promise<Version> {
    const { digest, tag, ahead } = query
    const syntax = parseVersionSyntax(query.versionSyntax)
    const reading = ahead instanceof Reading && ahead.digest === digest ? ahead : this.#read(query)
    const { search } = reading
    if (this.#isLarge(query)) {
      const likely = likelyTags(await reading.labels()).filter((named) => named !== tag && syntax.matches(named))
      const alias = await search.first(likely, likely)
      if (alias !== undefined) return { digest, name: alias, source: 'alias' }
    }
    const { told, found: named } = await reading.tags()
    const candidates = await candidateTags(named, tag, syntax)
    if (told) return await among(highestFirst(candidates), reading, syntax)

    const unknown = search.unknown(candidates)
    if (unknown.length <= fewTags) {
      const found = await search.among(candidates, unknown)
      const alias = found.length === 1 ? await search.first([], found) : undefined
      if (alias !== undefined) return { digest, name: alias, source: 'alias' }
    }
    const labels = await reading.labels()
    const alias = await search.first(likelyTags(labels), highestFirst(candidates))
    if (alias !== undefined) return { digest, name: alias, source: 'alias' }
    return labelled(labels, digest, syntax)
  }

  #isLarge({ registry, repository }: VersionPlace): boolean {
    return registry.aliases === undefined && this.#large.get(repositoryName(repository)) === true
  }

  #read(place: VersionPlace): Reading {
    const { digest, registry, repository, access } = place
    const list = async () => {
      const told = await registry.aliases?.(repository, digest, access)
      if (told !== undefined) return { told: true, found: told }
      const found = await this.#lists.get(place)
      const name = repositoryName(repository)
      if (found.length > manyTags) this.#large.set(name, true)
      else this.#large.delete(name)
      return { told: false, found }
    }
    return new Reading(digest, new AliasSearch(place, this.#memory), list, () =>
      registry.labels(repository, digest, access),
    )
  }
}

/** `told`: they are those of the digest, by the registry's own word; else all that the repository has. */
interface Tags {
  readonly told: boolean
  readonly found: readonly string[]
}

/** What is read for one digest, each part once. */
class Reading implements Ahead {
  readonly digest: Digest
  readonly search: AliasSearch
  readonly #readTags: () => Promise<Tags>
  readonly #readLabels: () => Promise<Labels>
  #tags: Promise<Tags> | undefined
  #labels: Promise<Labels> | undefined

  constructor(digest: Digest, search: AliasSearch, readTags: () => Promise<Tags>, readLabels: () => Promise<Labels>) {
    this.digest = digest
    this.search = search
    this.#readTags = readTags
    this.#readLabels = readLabels
  }

  tags(): Promise<Tags> {
    this.#tags ??= this.#readTags()
    return this.#tags
  }

  labels(): Promise<Labels> {
    this.#labels ??= this.#readLabels()
    return this.#labels
  }
}

function matching(tags: readonly string[], versionSyntaxes: readonly string[]): string[] {
  try {
    const syntaxes = versionSyntaxes.map(parseVersionSyntax)
    return tags.filter((tag) => syntaxes.some((syntax) => syntax.matches(tag)))
  } catch {
    // What is wrong with a pattern is told by the search with it.
    return []
  }
}

/** Of the tags that the registry itself says are on the image; the image's labels decide between several. */
async function among(aliases: readonly string[], reading: Reading, syntax: VersionSyntax): Promise<Version> {
  const { digest } = reading
  const [highest] = aliases
  if (highest !== undefined && aliases.length === 1) return { digest, name: highest, source: 'alias' }
  const labels = await reading.labels()
  const alias = likelyTags(labels).find((tag) => aliases.includes(tag)) ?? highest
  return alias === undefined ? labelled(labels, digest, syntax) : { digest, name: alias, source: 'alias' }
}

function labelled(labels: Labels, digest: Digest, syntax: VersionSyntax): Version {
  const label = versionOfLabels(labels, syntax)
  return label === undefined ? { digest, name: digest, source: 'digest' } : { digest, name: label, source: 'label' }
}
