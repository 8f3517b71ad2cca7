/** What a ContainerVersion follows, and what the registry offers for it. */
import type { NeedsChangeError, TransientError } from '../errors.ts'
import type { Digest } from '../images/digest.ts'
import type { Repository } from '../images/reference.ts'
import type { CredentialSource } from '../registries/credentials/credential-source.ts'
import type { TagPolicy } from './tag-policy.ts'

/** What one ContainerVersion follows. Targets with the same repository, tag and credentials share one poll. */
export type Target = PollSettings & TagSelector

interface PollSettings {
  readonly repository: Repository
  readonly credentials: CredentialSource
  readonly intervalSeconds: number
  /** Found before a restart. While the digest is still the same, its version is not searched for again. */
  readonly remembered?: Version | undefined
  /** A new value asks for a poll as soon as the limits of the registry allow. */
  readonly request?: string | undefined
}

/** Where the version comes from: one tag, or a policy that chooses among all tags of the repository. */
export type TagSelector =
  | {
      readonly tag: string
      /** Anchored. A tag on the same image that matches it is the version. */
      readonly versionSyntax: string
      readonly policy?: undefined
    }
  | { readonly policy: TagPolicy; readonly tag?: undefined; readonly versionSyntax?: undefined }

/** Where the name of a version was found, in the order of preference. `policy`: it is the tag that a policy chose. */
export type VersionSource = 'alias' | 'label' | 'digest' | 'policy'

export interface Version {
  readonly digest: Digest
  /** A tag, the value of a label, or the digest in short. */
  readonly name: string
  readonly source: VersionSource
  /** Why the digest has no other name, and what to do about it. */
  readonly hint?: string | undefined
}

/** The version that the registry has for a target, as of the last poll. */
export type Offer =
  | { readonly state: 'unknown' }
  | { readonly state: 'known'; readonly version: Version }
  /** The last poll failed. `version` comes from the last poll that succeeded. */
  | {
      readonly state: 'failed'
      readonly error: NeedsChangeError | TransientError
      readonly version?: Version | undefined
    }

/** The version of the last poll that succeeded. */
export const lastVersion = (offer: Offer): Version | undefined =>
  offer.state === 'unknown' ? undefined : offer.version

/** Polls targets for the controller, which names each by the key of its ContainerVersion. */
export interface TargetPoller {
  /** Starts to poll, or changes what `key` follows. Idempotent. A new interval takes effect within one (new) interval. */
  follow(key: string, target: Target): void
  unfollow(key: string): void
  /** What is known, without a request. */
  offer(key: string): Offer
  /** The last request that a poll has answered, or has failed to. That poll began after the request. */
  answeredRequest(key: string): string | undefined
}
