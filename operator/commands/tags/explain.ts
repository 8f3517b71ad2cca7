/** What the controller would see behind a tag, and why it would call it by that version. */
import type { Version } from '../../discovery/following.ts'
import { candidateTags, highestFirst } from '../../discovery/versions/candidates.ts'
import type { Versions } from '../../discovery/versions/version.ts'
import { parseVersionSyntax } from '../../discovery/versions/version-syntax.ts'
import type { Digest } from '../../images/digest.ts'
import type { Described, Labels } from '../../registries/registry.ts'
import { allTags, type Shelf } from './image.ts'
import { tagsAmong } from './tags-of.ts'

export interface Explained {
  readonly digest: Digest
  /** Undefined where the registry cannot tell. */
  readonly described: Described | undefined
  /** The other tags that are known to be on the image. */
  readonly aliases: readonly string[]
  /** Whether there may be more of them: in a large repository only tags that could be a version are looked at. */
  readonly moreAliases: boolean
  readonly version: Version
  /** Sentences for people, in the order of the decision. */
  readonly why: readonly string[]
}

export interface Question {
  /** The tag that would be followed; undefined where the image is named by its digest. */
  readonly tag: string | undefined
  readonly digest: Digest | undefined
  readonly versionSyntax: string
}

/** Of a registry that has to be asked tag by tag, so many at most. */
const mostLooks = 500
const mostShown = 5

/** @throws NeedsChangeError `VersionSyntaxInvalid`, and whatever the registry throws */
export async function explain(shelf: Shelf, versions: Versions, question: Question): Promise<Explained> {
  const { registry, repository, access } = shelf
  const { tag = '', versionSyntax } = question
  const syntax = parseVersionSyntax(versionSyntax)
  const digest = question.digest ?? (await registry.resolve(repository, tag, access))
  const described = await registry.describe?.(repository, digest, access)
  const tags = await allTags(shelf)
  const candidates = highestFirst(await candidateTags(tags, tag, syntax))
  const version = await versions.find({ registry, repository, tag, digest, versionSyntax, access })

  const told = await registry.aliases?.(repository, digest, access)
  const looked = tags.length <= mostLooks ? tags : candidates.slice(0, mostLooks)
  const onImage = told ?? (await tagsAmong(shelf, looked, digest))
  const labels = version.source === 'alias' ? {} : await registry.labels(repository, digest, access)
  return {
    digest,
    described,
    aliases: onImage.filter((each) => each !== tag),
    moreAliases: told === undefined && looked !== tags,
    version,
    why: [
      `the repository has ${tags.length} tags; ${candidates.length} of them match ${versionSyntax}${shown(candidates)}`,
      ...reasons(
        version,
        candidates.filter((each) => onImage.includes(each)),
        labels,
      ),
    ],
  }
}

/** @param aliases those of the tags on the image that match, the highest first */
function reasons({ source, name }: Version, aliases: readonly string[], labels: Labels): readonly string[] {
  switch (source) {
    case 'alias': {
      if (aliases.length < 2) return [`of these, ${name} is on the image`]
      const rule = aliases[0] === name ? 'the highest by its numbers' : "the one that the image's labels name"
      return [`of these, ${aliases.length} are on the image${shown(aliases)}; ${name} is ${rule}`]
    }
    case 'label': {
      const label = Object.entries(labels).find(([, value]) => value === name)?.[0]
      return ['none of these is on the image', `its label ${label ?? ''} says ${name}, which matches`]
    }
    default:
      return ['none of these is on the image', 'no label of it names a version that matches: the digest is the version']
  }
}

const shown = (tags: readonly string[]): string =>
  tags.length === 0 ? '' : `: ${tags.slice(0, mostShown).join(', ')}${tags.length > mostShown ? ', …' : ''}`
