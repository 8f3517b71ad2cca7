import type { ContainerVersionStatus } from '../api/status.ts'
import type { Metrics } from '../http/metrics.ts'
import type { RolloutRecord } from '../rollouts/plan/plan.ts'

/** Counts a rollout that has ended. @param before the status without it */
export function countRollout(
  { rollouts, rolloutSeconds, deliverySeconds }: Pick<Metrics, 'rollouts' | 'rolloutSeconds' | 'deliverySeconds'>,
  before: ContainerVersionStatus,
  { rollout }: Pick<RolloutRecord, 'rollout'>,
): void {
  const { outcome = 'Aborted', digest, startTime, endTime = startTime } = rollout
  rollouts.inc({ outcome })
  rolloutSeconds.observe({ outcome }, secondsBetween(startTime, endTime))
  const { observed, lastHealthy = [] } = before
  // A version that goes out again, after somebody has changed the workloads, was pushed long ago.
  if (outcome !== 'Succeeded' || observed?.digest !== digest || lastHealthy.some((one) => one.digest === digest)) return
  deliverySeconds.observe(secondsBetween(observed.firstSeenTime, endTime))
}

const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000
