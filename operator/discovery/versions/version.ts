/** The search for the version of a digest. */
import type { Digest } from '../../images/digest.ts'
import { type Repository, repositoryName } from '../../images/reference.ts'
import { credentialId } from '../../registries/credentials/credential-id.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import type { Version } from '../target.ts'

export interface VersionQuery {
  readonly registry: Registry
  readonly repository: Repository
  /** The tag that is followed, empty if there is none. */
  readonly tag: string
  readonly digest: Digest
  readonly versionSyntax: string
  readonly access: Access
  /** All tags on the digest, if they are known already. */
  readonly aliases?: readonly string[] | undefined
}

export interface Versions {
  /**
   * The version of a digest: the followed tag if it is one, else another tag, else a label, else the digest in short.
   * @throws NeedsChangeError `VersionSyntaxInvalid`, and whatever the registry throws: an unfinished search does not
   * prove that there is no alias (B41)
   */
  find(query: VersionQuery): Promise<Version>
}

/** The key of what is cached for a query: one tenant must not see what the credentials of another one have found. */
export const scopeOf = ({ repository, access }: VersionQuery): string =>
  `${repositoryName(repository)} ${credentialId(access.credentials)}`
