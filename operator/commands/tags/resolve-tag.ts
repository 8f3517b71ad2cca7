/** `cvmanager cr resolve`: the version that the controller would find behind a tag, and why. */
import type { Version } from '../../discovery/target.ts'
import { candidateTags, highestFirst } from '../../discovery/versions/candidates.ts'
import { describeImage, tagRemedy } from '../../discovery/versions/image-check.ts'
import { isVersionItself, VersionFinder } from '../../discovery/versions/version-finder.ts'
import { parseVersionSyntax } from '../../discovery/versions/version-syntax.ts'
import { canonical, composeImage } from '../../images/reference.ts'
import type { Labels } from '../../registries/registry.ts'
import type { ResolvedTag, TagRequest } from './commands.ts'
import { counted, listed } from './listed.ts'
import { allTags, type OpenRepository, tagsAmong } from './repository.ts'
import { resolveIn } from './resolve.ts'

/** The maximum number of tags to resolve at a registry that cannot list the tags of an image. */
const maxResolved = 500

/** @throws NeedsChangeError `VersionSyntaxInvalid`, and whatever the registry throws */
export function resolveTag(request: TagRequest, open: OpenRepository): Promise<ResolvedTag> {
  const { image, versionSyntax } = request
  const tag = image.tag ?? (image.digest === undefined ? 'latest' : undefined)
  return resolveIn(request, open, async (client) => {
    const { registry, repository, access } = client
    const syntax = parseVersionSyntax(versionSyntax)
    const digest = image.digest ?? (await registry.resolve(repository, tag ?? '', access))
    const what = tag === undefined ? 'the reference' : `tag ${tag}`
    const described = await describeImage(client, digest, what, tagRemedy)
    const tags = await allTags(client)
    const candidates = highestFirst(await candidateTags(tags, tag ?? '', syntax))
    const finder = new VersionFinder()
    const query = { registry, repository, tag: tag ?? '', digest, versionSyntax, access }
    const found = await finder.find(query)

    const known = await registry.aliases?.(repository, digest, access)
    const resolved = tags.length <= maxResolved ? tags : candidates.slice(0, maxResolved)
    const aliasesComplete = known?.isComplete ?? resolved === tags
    const unsearched = aliasesComplete ? 0 : Math.max(candidates.length - maxResolved, 0)
    const onImage = known?.tags ?? (await tagsAmong(client, resolved, digest))
    const matching = candidates.filter((each) => onImage.includes(each))
    const labels = found.source === 'alias' ? {} : await registry.labels(repository, digest, access)
    // The hint of the controller, which has not searched for the tags on the image, is about those of the repository.
    const isBetterKnown = found.source === 'digest' && aliasesComplete
    const version = isBetterKnown ? await finder.find({ ...query, aliases: onImage }) : found
    return {
      digest,
      described,
      aliases: onImage.filter((each) => each !== tag),
      aliasesComplete,
      version,
      why: isVersionItself(query.tag, syntax)
        ? [`the tag ${tag} itself matches ${versionSyntax}`]
        : [
            `the repository has ${counted(tags.length, 'tag')}; ${counted(candidates.length, 'of them matches', 'of them match')} ${versionSyntax}${examples(candidates)}`,
            ...reasons(version, candidates, matching, labels, unsearched),
          ],
      image: canonical({ ...image, tag }),
      tag,
      workloadImage: composeImage(image.name, version),
    }
  })
}

/**
 * @param candidates the tags that match
 * @param matching those of them on the image, the highest first
 * @param unsearched of how many of them nobody has looked where they point
 */
function reasons(
  { source, name, hint }: Version,
  candidates: readonly string[],
  matching: readonly string[],
  labels: Labels,
  unsearched: number,
): readonly string[] {
  switch (source) {
    case 'alias': {
      if (matching.length < 2) return [`of these, ${name} is on the image`]
      const rule = matching[0] === name ? 'the highest by its numbers' : "the one that the image's labels name"
      return [`of these, ${matching.length} are on the image${examples(matching)}; ${name} is ${rule}`]
    }
    case 'label': {
      const label = Object.entries(labels).find(([, value]) => value === name)?.[0]
      return [...noneOnImage(candidates, unsearched), `its label ${label ?? ''} says ${name}, which matches`]
    }
    default:
      return [
        ...noneOnImage(candidates, unsearched),
        'no label of it names a version that matches: the digest is the version',
        ...(hint === undefined ? [] : [hint]),
      ]
  }
}

function noneOnImage(candidates: readonly string[], unsearched: number): readonly string[] {
  if (candidates.length === 0) return []
  if (unsearched === 0) return ['none of these is on the image']
  return [
    `the ${maxResolved} highest of these are not on the image; the other ${unsearched} were not searched, since the registry does not list all tags of an image`,
  ]
}

const examples = (tags: readonly string[]): string => (tags.length === 0 ? '' : `: ${listed(tags)}`)
