/** A strategy says what a rollout does next. It is pure: its progress is read from the world and from the status. */
import type { ImageChange, Workload } from '../workloads/workload.ts'

export interface Rollout {
  /** The image that every container of the rollout is to run, `repository:version@digest`. */
  readonly image: string
  /** Milliseconds since the epoch; a rollout that is not healthy by then has failed. */
  readonly deadline: number
}

export interface Observed {
  readonly workloads: readonly Workload[]
  readonly now: number
}

export type Step =
  /** Patch these workloads now, then look again. */
  | { readonly step: 'apply'; readonly changes: readonly ImageChange[] }
  /** Nothing to do before something changes or `until` has come. */
  | { readonly step: 'wait'; readonly waitingFor: string; readonly until: number }
  | { readonly step: 'done' }
  | { readonly step: 'fail'; readonly reason: FailureReason; readonly message: string }

export type FailureReason = 'WorkloadStuck' | 'DeadlineExceeded'

export interface Strategy {
  next(rollout: Rollout, observed: Observed): Step
}

export const apply = (changes: readonly ImageChange[]): Step => ({ step: 'apply', changes })
export const wait = (waitingFor: string, until: number): Step => ({ step: 'wait', waitingFor, until })
export const done = (): Step => ({ step: 'done' })
export const fail = (reason: FailureReason, message: string): Step => ({ step: 'fail', reason, message })
