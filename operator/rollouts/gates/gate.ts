import type { ContainerVersion } from '../../api/container-version.ts'
import type { Version } from '../../discovery/target.ts'

export type Verdict =
  | { readonly verdict: 'open' }
  /** `by` is the reason in one CamelCase word. `until` is the time of the next check, in milliseconds since the epoch. */
  | { readonly verdict: 'held'; readonly by: string; readonly message: string; readonly until?: number }

/** A gate may hold back a version that would otherwise be rolled out now. It is pure. Each gate has its own file. */
export interface Gate {
  readonly name: string
  check(object: ContainerVersion, version: Version, now: number): Verdict
}
