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
  /** Wait for a person, without a deadline. */
  | { readonly step: 'waitForPerson'; readonly reason: PersonReason; readonly waitingFor: string }
  | { readonly step: 'done' }
  /** The version has failed. */
  | { readonly step: 'fail'; readonly reason: FailureReason; readonly message: string }
  /** The version could not be tried, which says nothing about it. */
  | { readonly step: 'giveUp'; readonly reason: ObstacleReason; readonly message: string }

export type PersonReason = 'WorkloadPaused' | 'PodsToDelete'
export type FailureReason = 'WorkloadStuck' | 'DeadlineExceeded'
export type ObstacleReason = 'PatchRefused' | 'PodsRefused'

export interface Strategy {
  next(rollout: Rollout, observed: Observed): Step
}

export const apply = (changes: readonly Change[]): Step => ({ step: 'apply', changes })
export const wait = (waitingFor: string, until: number): Step => ({ step: 'wait', waitingFor, until })
export const waitForPerson = (reason: PersonReason, waitingFor: string): Step => ({
  step: 'waitForPerson',
  reason,
  waitingFor,
})
export const done = (): Step => ({ step: 'done' })
export const fail = (reason: FailureReason, message: string): Step => ({ step: 'fail', reason, message })
export const giveUp = (reason: ObstacleReason, message: string): Step => ({ step: 'giveUp', reason, message })
