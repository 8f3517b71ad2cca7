/** A policy chooses one of a repository's tags as the version. Each kind has one file. */
import type { PolicyName, VersionPolicySpec } from '../../../api/policy.ts'
import { NeedsChangeError } from '../../../errors.ts'

/** A tag that has passed the filter. */
export interface Candidate {
  readonly tag: string
  /** What is compared: the tag, or what `filter.extract` makes of it. */
  readonly value: string
  /** The time of its push, in milliseconds since the epoch, if the registry knows it. */
  readonly pushed?: number | undefined
}

export interface VersionPolicy {
  /** What it chooses, as in "no tag is …". Policies that want the same choose alike. */
  readonly wanted: string
  /**
   * Pure, and independent of the order of the candidates: the best of all is the best of the best of each part.
   * @returns undefined where no candidate is what is wanted
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
  /** How its choice compares to the other candidates, as in "1.4.2 is … of them". */
  readonly best: string
  /** The argument of its name on a command line, as in `semver=RANGE`; absent where it has none. */
  readonly argument?: string
  /** @param argument empty where there is none */
  fromLine(argument: string): PolicyField<K>
}

/** @param field below `spec.policy`, e.g. `semver.range` */
export function invalidPolicy(field: string, text: string, fault: string, remedy: string): NeedsChangeError {
  return new NeedsChangeError(
    'VersionPolicyInvalid',
    `spec.policy.${field} "${text}" cannot be used: ${fault}. ${remedy}`,
  )
}
