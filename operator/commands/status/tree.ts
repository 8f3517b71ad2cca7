/** What `cv status` shows, as data: the status of a ContainerVersion, and its workloads and pods as they are now. */
import type { StrategyKind } from '../../api/names.ts'
import type { CheckStatus, PastRollout, RolloutStatus, StepStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionStatus, Held, Phase } from '../../api/status.ts'
import type { ObjectName } from '../object.ts'

/** Fields without a value are not there. Times are RFC 3339. */
export interface StatusTree extends ObjectName {
  /** The tag, or the policy in short. */
  readonly follows: string
  readonly status: Phase
  readonly message?: string | undefined
  readonly current?:
    | { readonly version: string; readonly digest: string | undefined; readonly since: string }
    | undefined
  readonly rollout?: RolloutNode | undefined
  /** The last rollout that has ended, while none is in progress. */
  readonly lastRollout?: Omit<PastRollout, 'workloads' | 'checks' | 'generation'> | undefined
  /** Those of the rollout in progress, else of the last one. */
  readonly checks: readonly CheckStatus[]
  readonly services: readonly ServiceNode[]
  readonly workloads: readonly WorkloadNode[]
  readonly next?: ContainerVersionStatus['next']
  /** All that holds `next` back. */
  readonly held: readonly Held[]
  /** What this account may not read. */
  readonly notShown: readonly string[]
}

export interface RolloutNode extends Pick<RolloutStatus, 'id' | 'phase' | 'version' | 'digest'> {
  readonly from: string | undefined
  readonly strategy: StrategyKind | undefined
  readonly since: string
  readonly deadline: string
  /** Since when the deadline moves on, because the rollout waits for checks or for a person. */
  readonly waitingSince: string | undefined
  readonly step: StepStatus | undefined
}

export interface ServiceNode {
  readonly name: string
  /** Live: it serves users. Verification: it points at the side that is verified. */
  readonly role: 'Live' | 'Verification'
  readonly selector: Readonly<Record<string, string>>
  /** The workloads whose pods it selects, e.g. Deployment/web-blue. */
  readonly selects: readonly string[]
}

export interface WorkloadNode {
  readonly kind: string
  readonly name: string
  /** The version in its pod template. If its containers differ, each version once. */
  readonly version: string
  readonly ready: number
  /** How many pods it should have, if that is known. */
  readonly wanted?: number | undefined
  /** Whether the Service for users selects its pods, where the strategy switches a Service. */
  readonly role?: 'Live' | 'Idle' | undefined
  readonly pods: readonly PodNode[]
}

export interface PodNode {
  readonly name: string
  readonly version: string
  readonly ready: boolean
  /** When it was created. */
  readonly since: string
  /** The first line of what is wrong with it. */
  readonly trouble?: string | undefined
}

export function rolloutNode(rollout: RolloutStatus): RolloutNode {
  const { id, phase, version, digest, from, strategy, step, startTime, deadline, waitingSince } = rollout
  return { id, phase, version, digest, from, strategy, step, since: startTime, deadline, waitingSince }
}
