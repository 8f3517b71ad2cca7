/** A policy says which of a repository's tags is its version. One file each. */
import type { PolicyName, VersionPolicySpec } from '../../../api/policy.ts'

/** A tag that has passed the filter. */
export interface Candidate {
  readonly tag: string
  /** What is compared: the tag, or what `filter.extract` makes of it. */
  readonly value: string
  /** When it was pushed, in milliseconds since the epoch, where the registry knows it. */
  readonly pushed?: number | undefined
}

export interface VersionPolicy {
  /** What it looks for, as in "none of them is …". */
  readonly wanted: string

  /**
   * Pure, and the same whatever the order of the candidates: the greatest of all is the greatest of those of its parts.
   * @returns undefined where none of them is what is wanted
   */
  choose(candidates: Iterable<Candidate>): Candidate | undefined
}

/** What stands in the field `spec.policy.<name>`. */
export type PolicyField<K extends PolicyName = PolicyName> = NonNullable<VersionPolicySpec[K]>

/** One kind of policy, named by its field below `spec.policy`. */
export interface PolicyKind<K extends PolicyName = PolicyName> {
  readonly needs: 'tags' | 'push times'
  /** @throws NeedsChangeError `VersionPolicyInvalid`, which says where and what to write */
  make(field: PolicyField<K>): VersionPolicy
  /** For columns and messages: `semver ~1.4`. */
  words(field: PolicyField<K>): string
  /** What its choice is among those that fit, as in "1.4.2 is … of them". */
  readonly best: string
  /** Equal for fields that choose alike, whatever is left out in them; JSON can carry it. */
  identity(field: PolicyField<K>): readonly unknown[]
  /** What stands behind its name on a command line, as in `semver=RANGE`; absent where nothing does. */
  readonly argument?: string
  /** @param argument what stands there; empty where nothing does */
  fromLine(argument: string): PolicyField<K>
}
