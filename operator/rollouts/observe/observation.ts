import type { ContainerVersion } from '../../api/container-version.ts'
import type { Offer } from '../../discovery/target.ts'
import type { NeedsChangeError } from '../../errors.ts'
import type { SeenAutoscaler, SeenService } from '../strategies/strategy.ts'
import type { Sight } from '../verifiers/verifier.ts'
import type { RewrittenImage, Workload } from '../workloads/workload.ts'
import type { FoundDrift } from './drift.ts'

/** What `plan` decides by: one ContainerVersion and its surroundings at one moment. */
export interface Observation {
  readonly object: ContainerVersion
  /** The workloads that `spec.selector` finds, with the containers that get the image. */
  readonly workloads: readonly Workload[]
  /** The workloads of the rollout in progress that still exist, with the containers that it changes. */
  readonly members: readonly Workload[]
  /** Why the workloads of the selector cannot be rolled out to; undefined if they can. */
  readonly problem: NeedsChangeError | undefined
  /** Those of `workloads` that serve users now, as the strategy says; all if undefined. */
  readonly serving?: readonly Workload[] | undefined
  /** The Services that the strategy reads, by name; one that does not exist is not there. */
  readonly services?: ReadonlyMap<string, SeenService> | undefined
  /** The HorizontalPodAutoscalers of the workloads, by `Deployment/web`, if the strategy reads them. */
  readonly autoscalers?: ReadonlyMap<string, SeenAutoscaler> | undefined
  readonly offer: Offer
  /** What was seen of the check that runs. */
  readonly check?: Sight | undefined
  /** What the last patches of its workloads had, and what the API server has stored instead. */
  readonly rewritten?: readonly RewrittenImage[] | undefined
  /** Why the API server has refused the last changes: by the UID of a workload or Service, or the name of a check's pod. */
  readonly refused?: ReadonlyMap<string, string> | undefined
  /**
   * Since when this process has put back what the rollout in progress has changed, with an answer of the API server to each
   * try; undefined if it has not tried, in milliseconds since the epoch.
   */
  readonly restoringSince?: number | undefined
  /** The images that somebody else has set since the last status. */
  readonly drift?: readonly FoundDrift[] | undefined
  /** Reads that the API server has refused: it goes without what they would tell. */
  readonly missingRights: readonly string[]
  /** Since when this process has observed the object without a status; undefined if the object has one. */
  readonly newSince: number | undefined
  /** The value of the annotation `cvmanager.io/reconcile` that the offer answers. */
  readonly answeredRequest?: string | undefined
  /** For a spec that does not say whether to roll back; if undefined, it rolls back. */
  readonly rollbackByDefault?: boolean | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}
