import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { Change, Workload } from '../workloads/workload.ts'
import { neverWentOut } from './checks.ts'
import type { Decision, State } from './decision.ts'

/** What comes next in a rollout, at `requeueAt` at the latest: whatever else should bring the key back may not come. */
interface Next extends Pick<Decision, 'state' | 'changes' | 'afterRecord'> {
  readonly requeueAt: number
}

/** A rollout is in progress. Its status changes with the phase and, ever less often, with its progress: it costs few writes. */
export function inProgress(rollout: RolloutStatus, next: Next): Decision {
  return { state: stateOf(rollout), rollout, ...next }
}

function stateOf(rollout: RolloutStatus): State {
  const { phase, outcome, workloads, version, deadline, reason, message, progress, step } = rollout
  const names = workloads.map(({ kind, name }) => `${kind}/${name}`).join(', ')
  if (phase === 'Recording' && neverWentOut(rollout)) {
    const words = `${version} ${outcome === 'Aborted' ? 'could not be tried' : 'failed'}, and was not rolled out: ${message}`
    return { phase: 'Verifying', reason: reason ?? 'Verifying', message: words }
  }
  if (phase !== 'RollingBack' && outcome !== 'RolledBack' && outcome !== 'Aborted') {
    const words = progress
      ? `rolling out ${version}${stepInWords(step)}: ${progress.message}. It has until ${deadline}.`
      : `rolling out ${version} to ${names}${stepInWords(step)}, until ${deadline} at the latest`
    return { phase: 'RollingOut', reason: progress?.reason ?? 'RollingOut', message: words }
  }
  // A rollout that ends because the object is deleted has no reason.
  const result = outcome === 'Aborted' ? 'could not be tried' : 'failed'
  const why = reason === undefined ? message : `${version} ${result}: ${message}`
  const words = `putting the previous images of ${names} back, since ${why}${progress ? `. Now ${progress.message}` : ''}`
  return { phase: 'RollingBack', reason: 'RollingBack', message: words }
}

/** A rollout of one step has none to speak of. */
export const stepInWords = (step: RolloutStatus['step']): string =>
  step && step.of > 1 ? ` (step ${step.index} of ${step.of}, ${step.name})` : ''

/** cvmanager does not watch pods: while a rollout waits, it reads them this often. */
const readPodsEveryMs = 2_000

/** Waits for the pods, and deletes those that would never become ready. */
export function untilPodsChange(workloads: readonly Workload[], until: number, now: number): Next {
  const changes = workloads.flatMap(({ blockers }) => blockers).map((pod): Change => ({ change: 'delete', of: pod }))
  return { changes, requeueAt: Math.min(until, now + readPodsEveryMs) }
}
