/** What the loop sees of one ContainerVersion, and what it decides: the two sides of `plan`. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionStatus, RolloutStatus } from '../../api/status.ts'
import type { Offer } from '../../discovery/following.ts'
import type { NeedsChangeError } from '../../errors.ts'
import type { ImageChange, PodName, Workload } from '../workloads/workload.ts'

export interface Observation {
  readonly object: ContainerVersion
  /** What `spec.selector` finds, with the containers that get the image. */
  readonly workloads: readonly Workload[]
  /** The workloads of the rollout under way that still exist, with the containers that it changes. */
  readonly members: readonly Workload[]
  /** Why the workloads cannot be told, where they cannot. */
  readonly problem: NeedsChangeError | undefined
  readonly offer: Offer
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** An event for people, written once: `id` with the reason makes its name. */
export interface Happening {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly id: string
  /** Said on the workloads too, not only on the ContainerVersion. */
  readonly workloads: readonly { readonly kind: string; readonly name: string; readonly uid: string }[]
}

export type Action =
  | { readonly action: 'none' }
  | { readonly action: 'change'; readonly changes: readonly ImageChange[] }
  /** Deletes pods that block the change of their workload, for its controller to make them anew. */
  | { readonly action: 'replace'; readonly pods: readonly PodName[] }
  /** Gives up the ownership of images on objects that another manager applies server-side. */
  | { readonly action: 'disown'; readonly workloads: readonly Workload[] }
  /** Writes the record of a rollout that has ended; then the status becomes `after`. */
  | {
      readonly action: 'record'
      readonly rollout: RolloutStatus
      readonly after: ContainerVersionStatus
      readonly happenings: readonly Happening[]
    }

/** Carried out in this order: status, happenings, action. Each is idempotent; the process may die between any two. */
export interface Plan {
  readonly status: ContainerVersionStatus
  readonly happenings: readonly Happening[]
  readonly action: Action
  /** When to look again even if nothing changes, in milliseconds since the epoch. */
  readonly again: number | undefined
}
