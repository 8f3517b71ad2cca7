/**
 * The version of a digest, in the order in which a person would want it: a tag, what the image says, the digest. Of
 * several tags the one that the image's labels name goes first, then the highest by numbers: whatever the registry, the
 * same image has the same version, and in whatever order it answers (B04).
 */
import type { Clock } from '../clock.ts'
import type { Version } from '../registries/following.ts'
import type { Digest, Labels } from '../registries/registry.ts'
import { monotonicClock } from '../registries/timing.ts'
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

export class VersionFinder implements Versions {
  readonly #memory: TagDigests
  readonly #lists = new TagLists()

  constructor(clock: Clock = monotonicClock) {
    this.#memory = new TagDigests(clock)
  }

  readAhead(place: VersionPlace, likely: readonly string[], versionSyntaxes: readonly string[]): Reading {
    const reading = this.#read(place)
    reading.tags.catch(() => undefined)
    if (place.registry.aliases === undefined)
      reading.search.begin(matching(likely, versionSyntaxes).slice(0, mostLikely))
    return reading
  }

  async find(query: VersionQuery): Promise<Version> {
    const { digest, registry, repository, access, ahead } = query
    const syntax = parseVersionSyntax(query.versionSyntax)
    const { search, tags } = ahead instanceof Reading && ahead.digest === digest ? ahead : this.#read(query)
    const { told, found: named } = await tags
    const candidates = await candidateTags(named, query.tag, syntax)
    if (told) return await among(highestFirst(candidates), query, syntax)

    const unknown = search.unknown(candidates)
    if (unknown.length <= fewTags) {
      const found = await search.among(candidates, unknown)
      const alias = found.length === 1 ? await search.first([], found) : undefined
      if (alias !== undefined) return { digest, name: alias, source: 'alias' }
    }
    const labels = await registry.labels(repository, digest, access)
    const alias = await search.first(likelyTags(labels), highestFirst(candidates))
    if (alias !== undefined) return { digest, name: alias, source: 'alias' }
    return labelled(labels, digest, syntax)
  }

  #read(place: VersionPlace): Reading {
    const { digest, registry, repository, access } = place
    const read = async () => {
      const told = await registry.aliases?.(repository, digest, access)
      return told === undefined ? { told: false, found: await this.#lists.get(place) } : { told: true, found: told }
    }
    return new Reading(digest, new AliasSearch(place, this.#memory), read())
  }
}

class Reading implements Ahead {
  readonly digest: Digest
  readonly search: AliasSearch
  /** `told`: they are those of the digest, by the registry's own word; else all that the repository has. */
  readonly tags: Promise<{ readonly told: boolean; readonly found: readonly string[] }>

  constructor(digest: Digest, search: AliasSearch, tags: Reading['tags']) {
    this.digest = digest
    this.search = search
    this.tags = tags
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
async function among(aliases: readonly string[], query: VersionQuery, syntax: VersionSyntax): Promise<Version> {
  const { digest, registry, repository, access } = query
  const [highest] = aliases
  if (highest !== undefined && aliases.length === 1) return { digest, name: highest, source: 'alias' }
  const labels = await registry.labels(repository, digest, access)
  const alias = likelyTags(labels).find((tag) => aliases.includes(tag)) ?? highest
  return alias === undefined ? labelled(labels, digest, syntax) : { digest, name: alias, source: 'alias' }
}

function labelled(labels: Labels, digest: Digest, syntax: VersionSyntax): Version {
  const label = versionOfLabels(labels, syntax)
  return label === undefined ? { digest, name: digest, source: 'digest' } : { digest, name: label, source: 'label' }
}
