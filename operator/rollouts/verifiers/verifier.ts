/** A check reads what it needs (`observe`), and what follows from that is decided without I/O (`verdictOf`). */
import type { V1Pod } from '@kubernetes/client-node'
import type { Check } from '../../api/checks.ts'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { CheckStatus, RolloutStatus } from '../../api/rollout-status.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { Pod } from '../workloads/pods.ts'
import type { Selected } from '../workloads/select.ts'
import type { Change, ObjectRef, WorkloadObject } from '../workloads/workload.ts'
import type { Requests } from './requests.ts'

/** One kind of check. */
export interface Verifier {
  /**
   * Reads what the check needs to know now. Called only for the one check of an object that runs.
   * @throws NeedsChangeError if it cannot be run; TransientError, ApiError if that may pass
   */
  observe(run: Run, sources: Sources): Promise<Sight>
}

/** The check of a rollout that runs now. */
export interface Run {
  readonly object: ContainerVersion
  readonly rollout: Pick<RolloutStatus, 'id' | 'digest' | 'version' | 'image'>
  readonly check: Check
  readonly status: CheckStatus
  /** The workloads that the selector finds, with the containers that get the image. */
  readonly candidates: readonly Selected[]
  readonly now: number
}

/** What checks read with. */
export interface Sources {
  readonly client: ApiClient
  readonly images: ImageDigests
  readonly requests: Requests
  readonly measurements: Measurements
  /** The resource limits of a container that has none. */
  readonly limits: Readonly<Record<string, string>>
}

/** Asks the registry of an image, whose credentials are those for its own repository (B10). */
export interface ImageDigests {
  /** @throws NeedsChangeError `TagNotFound`, `RegistryAccessDenied`, …; TransientError */
  digestOf(
    owner: ContainerVersion,
    workloads: readonly WorkloadObject[],
    repository: Repository,
    tag: string,
  ): Promise<Digest>
}

export interface Measurements {
  /**
   * Takes the next measurement if it is due.
   * @param take returns what is bad about it; undefined if it is good
   */
  measured(run: Run, take: () => Promise<string | undefined>): Promise<Tally>
}

/** What a check has seen. */
export type Sight =
  | PodSight
  | Tally
  /** It cannot be run before somebody changes something. */
  | { readonly sight: 'unavailable'; readonly message: string }
  /** It cannot be run at the moment. */
  | { readonly sight: 'waiting'; readonly message: string }

export interface PodSight {
  readonly sight: 'pod'
  readonly name: string
  /** Undefined: there is none, or another object's. */
  readonly pod: CheckPod | undefined
  /** Pods of this ContainerVersion that belong to no check that runs. */
  readonly leftovers: readonly (ObjectRef & { readonly ended: boolean })[]
  /** What to create while it is not there. */
  readonly wanted?: V1Pod | undefined
  /** The last lines of its log if they matter, in words; or why they cannot be read. */
  readonly log?: string | undefined
}

export interface CheckPod extends Pod {
  readonly ref: ObjectRef
  /** How the container that checks has ended; undefined while it has not. */
  readonly exit: Exit | undefined
  /** The init container that has failed. */
  readonly failedInit: Exit | undefined
  /** Whether that container has begun to run. */
  readonly started: boolean
  /** The containers that run the version. */
  readonly ofVersion: ReadonlySet<string>
  /** It has reached its own deadline. */
  readonly isLate: boolean
  /** Why it was ended from outside, such as an eviction. */
  readonly disruption: string | undefined
}

export interface Exit {
  readonly name: string
  readonly code: number
  readonly reason: string
  readonly message: string
}

/** The measurements since the status was written last. */
export interface Tally {
  readonly sight: 'tally'
  readonly good: number
  readonly bad: number
  /** Of the last one, in milliseconds since the epoch. */
  readonly measuredAt: number
  /** What the last bad one was like. */
  readonly message?: string | undefined
}

export interface Verdict {
  readonly status: CheckStatus
  readonly changes: readonly Change[]
  /** Milliseconds since the epoch. */
  readonly lookAgainAt: number
}
