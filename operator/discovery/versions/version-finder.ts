/**
 * The version of a digest, in the order that a person would choose: a tag, a label of the image, the digest. Of several
 * tags, the one that the labels name comes first, then the highest. So the same image has the same version in every
 * registry, in whatever order the registry answers (B04).
 */
import { LRUCache } from 'lru-cache'
import type { Digest } from '../../images/digest.ts'
import { repositoryName } from '../../images/reference.ts'
import type { Labels } from '../../registries/registry.ts'
import { SharedReading } from '../../registries/shared-reading.ts'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import type { Version } from '../target.ts'
import { AliasSearch } from './alias-search.ts'
import { candidateTags, highestFirst } from './candidates.ts'
import { likelyTags, versionOfLabels } from './labels.ts'
import { scopeOf, type VersionQuery, type Versions } from './version.ts'
import { parseVersionSyntax } from './version-syntax.ts'

/** Resolving up to this many tags costs less than reading the labels. */
const maxUnknownTags = 8
/** Listing more tags costs more than reading the labels: one request for each thousand tags. */
const maxListedFirst = 1_000
/** The rest of a larger repository is not read. */
const maxTags = 20_000
const maxRepositories = 1_000
const maxDigests = 20_000
/** Version tags hardly ever move; those that do are noticed after an hour. */
const digestLifetimeMs = 3_600_000

export class VersionFinder implements Versions {
  /** Where version tags point, by scope and tag, so that a search resolves only those that are new. */
  readonly #digests: LRUCache<string, Digest>
  readonly #tagLists = new SharedReading<readonly string[]>()
  /** The repositories that had many tags when they were last listed. */
  readonly #largeRepositories = new LRUCache<string, true>({ max: maxRepositories })

  constructor(clock: Clock = monotonicClock) {
    this.#digests = new LRUCache({ max: maxDigests, ttl: digestLifetimeMs, ttlResolution: 0, perf: clock })
  }

  async find(query: VersionQuery): Promise<Version> {
    const { registry, repository, digest, tag, access } = query
    const syntax = parseVersionSyntax(query.versionSyntax)
    const version = (alias: string | undefined, labels: Labels = {}): Version => {
      if (alias !== undefined) return { digest, name: alias, source: 'alias' }
      const label = versionOfLabels(labels, syntax)
      return label === undefined ? { digest, name: digest, source: 'digest' } : { digest, name: label, source: 'label' }
    }
    let request: Promise<Labels> | undefined
    const readLabels = () => (request ??= registry.labels(repository, digest, access))

    const allAliases = query.aliases ?? (await registry.aliases?.(repository, digest, access))
    if (allAliases !== undefined) {
      const aliases = highestFirst(await candidateTags(allAliases, tag, syntax))
      if (aliases.length === 1) return version(aliases[0])
      const labels = await readLabels()
      return version(likelyTags(labels).find((likely) => aliases.includes(likely)) ?? aliases[0], labels)
    }

    const search = new AliasSearch(query, this.#digests)
    const name = repositoryName(repository)
    if (this.#largeRepositories.has(name)) {
      const likely = await candidateTags(likelyTags(await readLabels()), tag, syntax)
      const alias = await search.first(likely)
      if (alias !== undefined) return version(alias)
    }
    const tags = await this.#tagLists.get(scopeOf(query), () => readTags(query))
    if (tags.length > maxListedFirst) this.#largeRepositories.set(name, true)
    else this.#largeRepositories.delete(name)
    const candidates = await candidateTags(tags, tag, syntax)

    const pointing = await search.pointingAtDigest(candidates, maxUnknownTags)
    if (pointing?.length === 1) {
      const alias = await search.first(pointing)
      if (alias !== undefined) return version(alias)
    }
    const labels = await readLabels()
    const known = new Set(candidates)
    const likely = await search.first(likelyTags(labels).filter((each) => known.has(each)))
    return version(likely ?? (await search.first(search.possible(highestFirst(candidates)))), labels)
  }
}

async function readTags({ registry, repository, access }: VersionQuery): Promise<readonly string[]> {
  const tags: string[] = []
  for await (const page of registry.tags(repository, access)) {
    tags.push(...page)
    if (tags.length >= maxTags) return tags.slice(0, maxTags)
  }
  return tags
}
