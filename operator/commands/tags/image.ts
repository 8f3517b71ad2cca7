/** Which image of a repository a person means: by a tag, by its digest, or by a pattern for its tag. */

import { compilePattern } from '../../discovery/versions/pattern.ts'
import { NeedsChangeError, UsageError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { isTag } from '../../images/reference.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import { newestOf } from './newest.ts'
import { notFound } from './not-found.ts'

export type WantedImage =
  /** A tag or a digest. */
  | { readonly by: 'name'; readonly name: string }
  /** An RE2 pattern for a whole tag: the newest that matches. */
  | { readonly by: 'pattern'; readonly pattern: string }

export interface FoundImage {
  /** The tag or digest by which it was found. */
  readonly version: string
  readonly digest: Digest
}

/** A repository with what it takes to ask about it. */
export interface Shelf {
  readonly registry: Registry
  readonly repository: Repository
  readonly access: Access
}

/**
 * @throws NeedsChangeError for which `isNotFound`, `VersionAmbiguous`, and whatever the registry throws; UsageError for a
 * pattern that cannot be used
 */
export async function findImage(shelf: Shelf, wanted: WantedImage): Promise<FoundImage> {
  const { registry, repository, access } = shelf
  if (wanted.by === 'pattern') {
    const tag = await newestMatching(shelf, wanted.pattern)
    return { version: tag, digest: await registry.resolve(repository, tag, access) }
  }
  const { name } = wanted
  if (!isDigest(name)) return { version: name, digest: await registry.resolve(repository, name, access) }
  await mustHave(shelf, name)
  return { version: name, digest: name }
}

async function newestMatching(shelf: Shelf, pattern: string): Promise<string> {
  const program = compilePattern(
    pattern,
    ({ fault }) =>
      new UsageError(
        `--version-pattern: "${pattern}" cannot be used: ${fault}; write an RE2 pattern for the whole tag, for example v[0-9]+\\.[0-9]+\\.[0-9]+`,
      ),
  )
  const { host, path } = shelf.repository
  const matching = (await allTags(shelf)).filter((tag) => isTag(tag) && program.testExact(tag))
  const newest = newestOf(matching)
  if (newest === undefined) {
    throw notFound(
      'NoTagMatches',
      `no tag of repository ${path} at the registry ${host} matches "${pattern}"`,
      '--version-pattern',
    )
  }
  if (newest.rival === undefined) return newest.tag
  throw new NeedsChangeError(
    'VersionAmbiguous',
    `which of the ${matching.length} tags of repository ${path} at the registry ${host} that match "${pattern}" is the newest, no number tells: ${newest.tag} or ${newest.rival}, for example. Write a pattern for tags that differ in their numbers, or name the version with --version.`,
  )
}

/** @throws NeedsChangeError where the repository has no such image */
async function mustHave({ registry, repository, access }: Shelf, digest: Digest): Promise<void> {
  if (registry.describe) await registry.describe(repository, digest, access)
  else if (registry.aliases) await registry.aliases(repository, digest, access)
  else await registry.labels(repository, digest, access)
}

export async function allTags({ registry, repository, access }: Shelf): Promise<readonly string[]> {
  const tags: string[] = []
  for await (const page of registry.tags(repository, access)) tags.push(...page)
  return tags
}
