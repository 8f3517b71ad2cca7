/** The question that this folder answers. */
import type { Version } from '../registries/following.ts'
import type { Access, Digest, Registry, Repository } from '../registries/registry.ts'

export interface VersionQuery {
  readonly registry: Registry
  readonly repository: Repository
  /** The tag that is followed: never a version by itself. */
  readonly tag: string
  readonly digest: Digest
  readonly versionSyntax: string
  readonly access: Access
}

export interface Versions {
  /**
   * The version of a digest: an alias tag, else a label, else the digest.
   * @throws NeedsChangeError `VersionSyntaxInvalid`, and whatever the registry throws: a search that could not be
   * finished is no proof that there is no alias (B41)
   */
  find(query: VersionQuery): Promise<Version>
}
