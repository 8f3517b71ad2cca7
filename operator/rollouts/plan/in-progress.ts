import type { RolloutStatus } from '../../api/status.ts'
import type { Change, Workload } from '../workloads/workload.ts'
import type { Decision, State } from './decision.ts'

/** A rollout is in progress. Its status changes with the phase alone, so that a rollout costs few writes. */
export function inProgress(
  rollout: RolloutStatus,
  next: Pick<Decision, 'changes' | 'requeueAt' | 'afterRecord'>,
): Decision {
  return { state: stateOf(rollout), rollout, ...next }
}

function stateOf({ phase, outcome, workloads, version, deadline, reason, message }: RolloutStatus): State {
  const names = workloads.map(({ kind, name }) => `${kind}/${name}`).join(', ')
  if (phase !== 'RollingBack' && outcome !== 'RolledBack' && outcome !== 'Aborted') {
    const words = `rolling out ${version} to ${names}, until ${deadline} at the latest`
    return { phase: 'RollingOut', reason: 'RollingOut', message: words }
  }
  // A rollout that was aborted has no reason: it has not failed.
  const why = reason === undefined ? message : `${version} failed: ${message}`
  const words = `putting the previous images of ${names} back: ${why}`
  return { phase: 'RollingBack', reason: 'RollingBack', message: words }
}

/** cvmanager does not watch pods: while a rollout waits, it reads them this often. */
const readPodsEveryMs = 2_000

/** Waits for the pods, and deletes those that would never become ready. */
export function untilPodsChange(
  workloads: readonly Workload[],
  until: number,
  now: number,
): Pick<Decision, 'changes' | 'requeueAt'> {
  const changes = workloads.flatMap(({ blockers }) => blockers).map((pod): Change => ({ change: 'delete', of: pod }))
  return { changes, requeueAt: Math.min(until, now + readPodsEveryMs) }
}
