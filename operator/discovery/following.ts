/** How the controller follows tags: it says which, and is told by key when there is something to look at again. */
import type { NeedsChangeError, TransientError } from '../errors.ts'
import type { Digest } from '../images/digest.ts'
import type { Repository } from '../images/reference.ts'
import type { CredentialSource } from '../registries/credentials/credential-source.ts'
import type { TagPolicy } from './tag-policy.ts'

/**
 * What one ContainerVersion follows. Targets that agree in repository, tag and credentials share one poll; those that
 * have a policy instead of a tag share one list of the repository's tags.
 */
export type Target = Polled & Followable

interface Polled {
  readonly repository: Repository
  readonly credentials: CredentialSource
  readonly intervalSeconds: number
  /** What was found before a restart: where the digest is the same still, its version is not searched for again. */
  readonly remembered?: Version | undefined
}

/** Where the version comes from. */
export type Followable =
  | {
      readonly tag: string
      /** Anchored; an alias tag that matches it is the version. */
      readonly versionSyntax: string
      readonly policy?: undefined
    }
  | { readonly policy: TagPolicy; readonly tag?: undefined; readonly versionSyntax?: undefined }

/** Where a version's name was found, in the order of preference; `policy`: it is the tag that a policy has chosen. */
export type VersionSource = 'alias' | 'label' | 'digest' | 'policy'

export interface Version {
  readonly digest: Digest
  /** A tag, a label's value, or the digest itself. */
  readonly name: string
  readonly source: VersionSource
}

/** What the registry has to offer for a followed tag or policy, as far as is known now. */
export type Offer =
  | { readonly state: 'unknown' }
  | { readonly state: 'known'; readonly version: Version }
  /** The last look failed; `version` is that of the last look that did not. */
  | {
      readonly state: 'failed'
      readonly error: NeedsChangeError | TransientError
      readonly version?: Version | undefined
    }

export interface Following {
  /** Idempotent: starts, changes (a new interval takes effect within it) or keeps what `key` follows. */
  follow(key: string, target: Target): void
  unfollow(key: string): void
  /** From memory, at once. */
  offer(key: string): Offer
  /** Asks the registry now, as soon as its limits allow. */
  lookNow(key: string): void
}
