import type { PastRollout } from '../../api/rollout-status.ts'
import type { Phase } from '../../api/status.ts'
import type { Version } from '../../discovery/target.ts'
import type { Observation } from '../observe/observation.ts'

/** Why a version is held back. */
export interface Hold {
  readonly message: string
  /** What holds the version, if there may be several of its kind: the workloads that are paused. */
  readonly name?: string
  /** The time of the next check, in milliseconds since the epoch; undefined: when something changes. */
  readonly until?: number
  /** The reason in the status, if it is not the gate's name. */
  readonly by?: string | undefined
  /** Stalled if a person should look; Pending if undefined. */
  readonly phase?: Phase
}

/** A gate may hold back a version that would otherwise be rolled out now. It is pure. Each gate has its own file. */
export interface Gate {
  /** The reason in the status, one CamelCase word. */
  readonly name: string
  /** @returns undefined to let the version pass */
  check(observation: Observation, version: Pick<Version, 'digest' | 'name'>): Hold | undefined
}

/** How many of the last rollouts fit, without another one in between. */
export function timesInARow(rollouts: readonly PastRollout[], fits: (rollout: PastRollout) => boolean): number {
  const other = rollouts.findIndex((rollout) => !fits(rollout))
  return other < 0 ? rollouts.length : other
}

const firstDelayMs = 30_000

/** When to try again after these attempts: later each time. */
export function nextAttempt(last: PastRollout, attempts: number, maxDelayMs: number): number {
  return Date.parse(last.endTime) + Math.min(firstDelayMs * 2 ** (attempts - 1), maxDelayMs)
}
