import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { CurrentVersion, HealthyVersion, Held, Phase, Quarantined } from '../../api/status.ts'
import type { Version } from '../../discovery/target.ts'
import type { Change } from '../workloads/workload.ts'

/** The state of an object, for its phase, its message and its conditions. */
export interface State {
  readonly phase: Phase
  /** One CamelCase word, stable enough to alert on. */
  readonly reason: string
  readonly message: string
}

/** One branch of `plan` decides it, and `statusOf` makes its status. */
export interface Decision {
  /** Undefined: the status stays as it is. */
  readonly state?: State
  /** The version on offer. */
  readonly offered?: Version
  /** What holds the version on offer back, in one word. */
  readonly heldBy?: string
  /** All gates that hold it back. */
  readonly held?: readonly Held[] | undefined
  /** What the workloads run, if the decision knows it better than the workloads as they were observed. */
  readonly current?: CurrentVersion
  /** The version with which all workloads are healthy. */
  readonly healthy?: HealthyVersion
  /** The rollout in progress. */
  readonly rollout?: RolloutStatus
  /** A rollout that has ended. */
  readonly ended?: RolloutStatus | undefined
  /** The version that failed in it. */
  readonly failure?: Quarantined | undefined
  readonly changes?: readonly Change[]
  /** Milliseconds since the epoch. */
  readonly requeueAt?: number | undefined
  /** `rollout` has ended: record it. Then this decision makes the next status. */
  readonly afterRecord?: Decision
}
