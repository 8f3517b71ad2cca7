/** The question that this folder answers. */

import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import type { Version } from '../following.ts'

/** Where the version of a digest is to be looked for. */
export interface VersionPlace {
  readonly registry: Registry
  readonly repository: Repository
  /** The tag that is followed: never a version by itself. */
  readonly tag: string
  readonly digest: Digest
  readonly access: Access
}

export interface VersionQuery extends VersionPlace {
  readonly versionSyntax: string
  /** Of no use where the digest is another one by now. */
  readonly ahead?: Ahead | undefined
}

/** What `readAhead` has begun to read; for `find` alone. */
export interface Ahead {
  readonly digest: Digest
}

export interface Versions {
  /**
   * Begins to read what the search for a version will need, before it is certain that it will. Does not throw.
   * @param likely tags that may point at the digest: those that one of the patterns matches are looked at
   */
  readAhead?(place: VersionPlace, likely: readonly string[], versionSyntaxes: readonly string[]): Ahead
  /**
   * The version of a digest: an alias tag, else a label, else the digest.
   * @throws NeedsChangeError `VersionSyntaxInvalid`, and whatever the registry throws: a search that could not be
   * finished is no proof that there is no alias (B41)
   */
  find(query: VersionQuery): Promise<Version>
}
