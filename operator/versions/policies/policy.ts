/** A policy says which of a repository's tags is its version. One file each. */
import type { VersionPolicySpec } from '../../api/policy.ts'

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

export interface PolicyKind {
  readonly kind: Exclude<keyof VersionPolicySpec, 'filter'>
  readonly needs: 'tags' | 'push times'
  /**
   * @returns undefined where the spec asks for another kind
   * @throws NeedsChangeError `VersionPolicyInvalid`, which says where and what to write
   */
  make(spec: VersionPolicySpec): VersionPolicy | undefined
}
