import type { ContainerVersion } from '../../api/container-version.ts'
import type { Version } from '../../discovery/target.ts'

/** Why a version is held back. */
export interface Hold {
  readonly message: string
  /** The time of the next check, in milliseconds since the epoch. */
  readonly until?: number
}

/** A gate may hold back a version that would otherwise be rolled out now. It is pure. Each gate has its own file. */
export interface Gate {
  /** The reason in the status, one CamelCase word. */
  readonly name: string
  /** @returns undefined to let the version pass */
  check(object: ContainerVersion, version: Version, now: number): Hold | undefined
}
