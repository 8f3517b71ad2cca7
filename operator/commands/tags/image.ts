/** Finds the image that a person means: by a tag, by its digest, or by a pattern for its tag. */
import { leavesOut } from '../../discovery/versions/attached-tags.ts'
import { compilePattern } from '../../discovery/versions/pattern.ts'
import { NeedsChangeError, UsageError } from '../../errors.ts'
import { type Digest, isDigest } from '../../images/digest.ts'
import { isTag } from '../../images/reference.ts'
import { newestOf } from './newest.ts'
import { notFound } from './not-found.ts'
import { allTags, type RepositoryClient } from './repository.ts'

export type WantedImage =
  /** A tag or a digest. */
  | { readonly by: 'name'; readonly name: string }
  /** An RE2 pattern for a whole tag: the newest match. */
  | { readonly by: 'pattern'; readonly pattern: string }

export interface FoundImage {
  /** The tag or digest that found the image. */
  readonly version: string
  readonly digest: Digest
}

/**
 * @throws NeedsChangeError for which `isNotFound` holds, or `VersionAmbiguous`; UsageError for an invalid pattern; and
 * whatever the registry throws
 */
export async function findImage(client: RepositoryClient, wanted: WantedImage): Promise<FoundImage> {
  const version = wanted.by === 'name' ? wanted.name : await newestMatching(client, wanted.pattern)
  const { registry, repository, access } = client
  if (!isDigest(version)) return { version, digest: await registry.resolve(repository, version, access) }
  // Throws if the repository does not have it.
  await registry.describe(repository, version, access)
  return { version, digest: version }
}

async function newestMatching(client: RepositoryClient, pattern: string): Promise<string> {
  const program = compilePattern(
    pattern,
    ({ fault }) =>
      new UsageError(
        `--version-pattern: "${pattern}" cannot be used: ${fault}; write an RE2 pattern for the whole tag, for example v[0-9]+\\.[0-9]+\\.[0-9]+`,
      ),
  )
  const { host, path } = client.repository
  const isLeftOut = leavesOut(pattern)
  const matching = (await allTags(client)).filter((tag) => isTag(tag) && program.testExact(tag) && !isLeftOut(tag))
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
    `${matching.length} tags of repository ${path} at the registry ${host} match "${pattern}", and their numbers do not tell which is the newest: ${newest.tag} or ${newest.rival}, for example. Write a pattern for tags that differ in their numbers, or name the version with --version.`,
  )
}
