/** A strategy says what a rollout does next. It is pure: it reads its progress from the observation and the status. */
import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { StrategySpec } from '../../api/strategy.ts'
import type { NeedsChangeError } from '../../errors.ts'
import type { Change, Labels, ServiceRef, Workload } from '../workloads/workload.ts'

export interface Rollout {
  /** The image for every container of the rollout, `repository:version@digest`. */
  readonly image: string
  /** `spec.strategy` as it was when the rollout began. */
  readonly settings: StrategySpec
  /** When a part has failed if it is not complete, in milliseconds since the epoch. */
  readonly deadlineOf: (part: Part) => number
  /** The part that it is at; undefined before the first. */
  readonly step: RolloutStatus['step']
  /** Whether all checks of `settings.verify` have passed. */
  readonly verified: boolean
  /** Whether the version has served users already. */
  readonly switched: boolean
  /** The workloads and Services as they were before. */
  readonly workloads: RolloutStatus['workloads']
  /** The images of the rollouts that it has replaced. */
  readonly replaced: readonly string[]
  readonly services: NonNullable<RolloutStatus['services']>
}

export interface Observed {
  readonly namespace: string
  readonly workloads: readonly Workload[]
  /** Those that the strategy reads, by name; one that does not exist is not there. */
  readonly services: ReadonlyMap<string, SeenService>
  /** The HorizontalPodAutoscalers of the workloads, by `Deployment/web`. */
  readonly autoscalers: ReadonlyMap<string, SeenAutoscaler>
  readonly now: number
}

/** A Service of the namespace, as far as a strategy needs it. */
export interface SeenService {
  readonly ref: ServiceRef
  /** Empty if it has none. */
  readonly selector: Labels
  /** The UIDs of the pods that receive its traffic: the ready endpoints of its EndpointSlices (B31). */
  readonly ready: ReadonlySet<string>
}

/** A HorizontalPodAutoscaler, as far as a strategy needs it. */
export interface SeenAutoscaler {
  readonly name: string
  readonly min: number
  readonly max: number
}

/** What the observer fetches for a strategy, beside the workloads. */
export type Read = { readonly read: 'service'; readonly name: string } | { readonly read: 'autoscalers' }

/** One part of a rollout, with a deadline of its own. */
export interface Part {
  /** From 1. A rollout does not go back to an earlier part. */
  readonly index: number
  readonly of: number
  readonly name: string
}

export type Step = (
  | Apply
  | Wait
  /** Do nothing until this time, without a deadline. */
  | { readonly step: 'pause'; readonly waitingFor: string; readonly until: number }
  /** Run the checks of `settings.verify`, without a deadline: each has its own. */
  | { readonly step: 'verify' }
  /** Wait for a person, without a deadline. */
  | { readonly step: 'waitForPerson'; readonly reason: PersonReason; readonly waitingFor: string }
  | Done
  /** The version has failed. */
  | { readonly step: 'fail'; readonly reason: FailureReason; readonly message: string }
  /** The version could not be tried, which says nothing about it. */
  | { readonly step: 'giveUp'; readonly reason: ObstacleReason; readonly message: string }
) & {
  /** The part of the rollout that the step belongs to. Undefined: the rollout has one part. */
  readonly part?: Part
}

/** Make these changes now, then ask again. */
interface Apply {
  readonly step: 'apply'
  readonly changes: readonly Change[]
}

/** Do nothing until something changes, or until this time. */
interface Wait {
  readonly step: 'wait'
  readonly waitingFor: string
  readonly until: number
  /** The workloads that it waits for. Undefined: all. */
  readonly workloads?: readonly Workload[] | undefined
}

interface Done {
  readonly step: 'done'
}

/** The way back, one step after another: `done` when all is as it was. */
export type BackStep = Apply | Wait | Done

export type PersonReason = 'WorkloadPaused' | 'PodsToDelete'
export type FailureReason = 'WorkloadStuck' | 'DeadlineExceeded' | 'CheckFailed'
export type ObstacleReason = 'PatchRefused' | 'PodsRefused' | 'CheckUnavailable' | 'ServiceChanged'

export interface Strategy {
  /** What it must see beside the workloads. */
  reads?(settings: StrategySpec): readonly Read[]
  /**
   * Why it cannot roll out to what it sees; undefined if it can.
   * @param rollout the one in progress
   */
  problem?(settings: StrategySpec, observed: Observed, rollout?: Rollout): NeedsChangeError | undefined
  /** The workloads that serve users now: whether the version runs is said of them. All if it has no such method. */
  serving?(settings: StrategySpec, observed: Observed): readonly Workload[]
  /** What comes next. Asked again after each change, until it is `done`, `fail` or `giveUp`. */
  next(rollout: Rollout, observed: Observed): Step
  /** What is left to restore what was before the rollout. If it has no such method, only images are. */
  back?(rollout: Rollout, observed: Observed): BackStep
}

/** A step of this part. */
export const inPart = (part: Part, step: Step): Step => ({ ...step, part })
export const apply = (changes: readonly Change[]): Apply => ({ step: 'apply', changes })
export const wait = (waitingFor: string, until: number, workloads?: readonly Workload[]): Wait => ({
  step: 'wait',
  waitingFor,
  until,
  workloads,
})
export const pause = (waitingFor: string, until: number): Step => ({ step: 'pause', waitingFor, until })
export const verify = (): Step => ({ step: 'verify' })
export const waitForPerson = (reason: PersonReason, waitingFor: string): Step => ({
  step: 'waitForPerson',
  reason,
  waitingFor,
})
export const done = (): Done => ({ step: 'done' })
export const fail = (reason: FailureReason, message: string): Step => ({ step: 'fail', reason, message })
export const giveUp = (reason: ObstacleReason, message: string): Step => ({ step: 'giveUp', reason, message })
