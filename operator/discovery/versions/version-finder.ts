/**
 * The version of a digest, in the order that a person would choose: a tag, a label of the image, the digest. Of several
 * tags, the followed one comes first, then the one that the labels name, then the highest. So the same image has the same
 * version in every registry, in whatever order the registry answers (B04).
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
import { nameless, type Searched } from './nameless.ts'
import { isNumbered, OtherTags } from './other-tags.ts'
import { scopeOf, type VersionQuery, type Versions } from './version.ts'
import { parseVersionSyntax, type VersionSyntax } from './version-syntax.ts'

/** Resolving up to this many tags costs less than reading the labels. */
const maxUnknownTags = 8
/** Listing more tags costs more than reading the labels: one request for each thousand tags. */
const maxListedFirst = 1_000
/** The rest is not read. Tags that do not match count for nothing. */
const maxCandidates = 20_000
const maxRepositories = 1_000
const maxDigests = 20_000
/** Version tags hardly ever move; those that do are noticed after an hour. */
const digestLifetimeMs = 3_600_000

interface TagList {
  /** Those that match, the followed tag included. */
  readonly matching: readonly string[]
  readonly isLarge: boolean
  /** More tags match than were read. */
  readonly isCut: boolean
  /** Those that do not match. */
  readonly others: OtherTags
}

export class VersionFinder implements Versions {
  /** Where version tags point, by scope and tag, so that a search resolves only those that are new. */
  readonly #digests: LRUCache<string, Digest>
  readonly #tagLists = new SharedReading<TagList>()
  readonly #onUnfinished: ((query: VersionQuery, matching: number) => void) | undefined
  /** The repositories that had many tags when they were last listed. */
  readonly #largeRepositories = new LRUCache<string, true>({ max: maxRepositories })

  /** @param onUnfinished called when more tags match than are searched, and those that were searched are not on the image */
  constructor(clock: Clock = monotonicClock, onUnfinished?: (query: VersionQuery, matching: number) => void) {
    this.#onUnfinished = onUnfinished
    this.#digests = new LRUCache({ max: maxDigests, ttl: digestLifetimeMs, ttlResolution: 0, perf: clock })
  }

  async find(query: VersionQuery): Promise<Version> {
    const { registry, repository, digest, tag, access } = query
    const syntax = parseVersionSyntax(query.versionSyntax)
    const named = (alias: string): Version => ({ digest, name: alias, source: 'alias' })
    const unaliased = (labels: Labels, searched: Searched): Version => {
      const label = versionOfLabels(labels, syntax)
      return label === undefined ? nameless(query, searched) : { digest, name: label, source: 'label' }
    }
    if (isVersionItself(tag, syntax)) return named(tag)

    let request: Promise<Labels> | undefined
    const readLabels = () => (request ??= registry.labels(repository, digest, access))

    const onImage = query.aliases
      ? { tags: query.aliases, isComplete: true }
      : await registry.aliases?.(repository, digest, access)
    if (onImage !== undefined) {
      const others = new OtherTags()
      const aliases = highestFirst(await candidateTags(onImage.tags, tag, syntax, (other) => others.add(other)))
      const [highest] = aliases
      if (aliases.length === 1 && highest !== undefined) return named(highest)
      if (highest !== undefined || onImage.isComplete) {
        const labels = await readLabels()
        const alias = likelyTags(labels).find((likely) => aliases.includes(likely)) ?? highest
        if (alias !== undefined) return named(alias)
        return unaliased(labels, { others, areOnImage: true, matching: 0, isUnfinished: false })
      }
      // The image is older than the tags that the registry lists by digest, and is searched for as in any registry.
    }

    const search = new AliasSearch(query, this.#digests)
    const name = repositoryName(repository)
    if (this.#largeRepositories.has(name)) {
      const likely = await candidateTags(likelyTags(await readLabels()), tag, syntax)
      const alias = await search.first(likely)
      if (alias !== undefined) return named(alias)
    }
    const listKey = `${scopeOf(query)} ${query.versionSyntax}`
    const { matching, isLarge, isCut, others } = await this.#tagLists.get(listKey, () => readTags(query, syntax))
    if (isLarge) this.#largeRepositories.set(name, true)
    else this.#largeRepositories.delete(name)
    const candidates = matching.filter((each) => each !== tag)

    const pointing = await search.pointingAtDigest(candidates, maxUnknownTags)
    if (pointing?.length === 1) {
      const alias = await search.first(pointing)
      if (alias !== undefined) return named(alias)
    }
    const labels = await readLabels()
    const known = new Set(candidates)
    const isListed = (each: string): boolean => known.has(each) || (isCut && each !== tag && syntax.matches(each))
    const likely = await search.first(likelyTags(labels).filter(isListed))
    const alias = likely ?? (await search.first(search.possible(highestFirst(candidates))))
    if (alias !== undefined) return named(alias)
    const isUnfinished = isCut || search.isUnfinished
    if (isUnfinished) this.#onUnfinished?.(query, candidates.length)
    return unaliased(labels, { others, areOnImage: false, matching: candidates.length, isUnfinished })
  }
}

/** Whether the followed tag is a version: versionSyntax matches it. A broad pattern also matches `env-prod`, which tells none apart. */
export const isVersionItself = (tag: string, syntax: VersionSyntax): boolean => isNumbered(tag) && syntax.matches(tag)

async function readTags({ registry, repository, access }: VersionQuery, syntax: VersionSyntax): Promise<TagList> {
  const matching = new Set<string>()
  const others = new OtherTags()
  let listed = 0
  for await (const page of registry.tags(repository, access)) {
    listed += page.length
    for (const tag of await candidateTags(page, undefined, syntax, (tag) => others.add(tag))) matching.add(tag)
    if (matching.size > maxCandidates) return { matching: [...matching], isLarge: true, isCut: true, others }
  }
  return { matching: [...matching], isLarge: listed > maxListedFirst, isCut: false, others }
}
