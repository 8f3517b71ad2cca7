/** A gate may hold a version back that would otherwise be rolled out now. It is pure. One file each. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { Version } from '../../discovery/following.ts'

export type Verdict =
  | { readonly verdict: 'open' }
  /** `by` is the reason in one CamelCase word, `until` the time from which it is worth looking again. */
  | { readonly verdict: 'held'; readonly by: string; readonly message: string; readonly until?: number }

export interface Gate {
  readonly name: string
  check(object: ContainerVersion, candidate: Version, now: number): Verdict
}
