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
import { candidateTags } from './candidates.ts'
import { likelyTags, versionOfLabels } from './labels.ts'
import { TagDigests } from './tag-digests.ts'
import { TagLists } from './tag-lists.ts'
import type { VersionQuery, Versions } from './version.ts'
import { parseVersionSyntax, type VersionSyntax } from './version-syntax.ts'

/** With so few tags to ask about, asking is cheaper than reading the labels first. */
const fewTags = 8

export class VersionFinder implements Versions {
  readonly #memory: TagDigests
  readonly #lists = new TagLists()

  constructor(clock: Clock = monotonicClock) {
    this.#memory = new TagDigests(clock)
  }

  async find(query: VersionQuery): Promise<Version> {
    const { digest, registry, repository, access } = query
    const syntax = parseVersionSyntax(query.versionSyntax)
    const told = await registry.aliases?.(repository, digest, access)
    if (told !== undefined) return await among(await candidateTags(told, query.tag, syntax), query, syntax)
    const candidates = await candidateTags(await this.#lists.get(query), query.tag, syntax)
    const search = new AliasSearch(query, this.#memory)

    const unknown = search.unknown(candidates)
    if (unknown.length <= fewTags) {
      const found = await search.among(candidates, unknown)
      const alias = found.length === 1 ? await search.first([], found) : undefined
      if (alias !== undefined) return { digest, name: alias, source: 'alias' }
    }
    const labels = await registry.labels(repository, digest, access)
    const alias = await search.first(likelyTags(labels), candidates)
    if (alias !== undefined) return { digest, name: alias, source: 'alias' }
    return labelled(labels, digest, syntax)
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
