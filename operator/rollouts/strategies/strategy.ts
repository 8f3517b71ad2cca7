/** A strategy says what a rollout does next. It is pure: it reads its progress from the workloads and the status. */
import type { Change, Workload } from '../workloads/workload.ts'

export interface Rollout {
  /** The image for every container of the rollout, `repository:version@digest`. */
  readonly image: string
  /** Milliseconds since the epoch. A rollout that is not healthy by then has failed. */
  readonly deadline: number
}

export interface Observed {
  readonly workloads: readonly Workload[]
  readonly now: number
}

export type Step =
  /** Make these changes now, then ask again. */
  | { readonly step: 'apply'; readonly changes: readonly Change[] }
  /** Do nothing until something changes, or until this time. */
  | { readonly step: 'wait'; readonly waitingFor: string; readonly until: number }
  | { readonly step: 'done' }
  | { readonly step: 'fail'; readonly reason: FailureReason; readonly message: string }

export type FailureReason = 'WorkloadStuck' | 'DeadlineExceeded'

export interface Strategy {
  next(rollout: Rollout, observed: Observed): Step
}

export const apply = (changes: readonly Change[]): Step => ({ step: 'apply', changes })
export const wait = (waitingFor: string, until: number): Step => ({ step: 'wait', waitingFor, until })
export const done = (): Step => ({ step: 'done' })
export const fail = (reason: FailureReason, message: string): Step => ({ step: 'fail', reason, message })
