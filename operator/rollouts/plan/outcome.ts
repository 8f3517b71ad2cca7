import type { Outcome, RolloutStatus } from '../../api/rollout-status.ts'
import type { Quarantined } from '../../api/status.ts'
import { timestamp } from '../../time/clock.ts'
import { quarantineMessage } from '../gates/quarantine.ts'
import type { Observation } from '../observe/observation.ts'
import type { Decision, State } from './decision.ts'
import { inProgress } from './in-progress.ts'
import { inShort } from './in-short.ts'

/** Ends a rollout. The status names the outcome before the record is written, so that a restart cannot find another (B28). */
export function conclude(observation: Observation, rollout: RolloutStatus, outcome: Outcome): Decision {
  return recordOf(observation, { ...rollout, phase: 'Recording', outcome, endTime: timestamp(observation.now) })
}

/** Records a rollout that has ended, and returns the status for afterwards. */
export function recordOf({ object, now }: Observation, rollout: RolloutStatus): Decision {
  const { outcome = 'Aborted', endTime = timestamp(now), digest, version, image, message = outcome } = rollout
  const failure: Quarantined | undefined =
    outcome === 'RolledBack' || outcome === 'Failed'
      ? { digest, version, outcome, message: inShort(message), since: endTime, generation: object.generation }
      : undefined
  const afterRecord: Decision = {
    state: failure
      ? failureState(failure, quarantineMessage(failure, object.spec.tag, message))
      : stateAfter(outcome, rollout),
    ...(outcome === 'Succeeded'
      ? { current: { digest, version, image, since: endTime }, healthy: { digest, version, image } }
      : {}),
    failure,
    ended: rollout,
  }
  return inProgress(rollout, { afterRecord, requeueAt: now })
}

/** The state of an object whose version on offer has failed. */
export function failureState({ outcome }: Quarantined, message: string): State {
  const reason = outcome === 'RolledBack' ? 'RolledBack' : 'RolloutFailed'
  return { phase: outcome, reason, message }
}

function stateAfter(outcome: Outcome, { version, reason, message }: RolloutStatus): State {
  if (outcome === 'Succeeded') return { phase: 'UpToDate', reason: 'UpToDate', message: `all workloads run ${version}` }
  const words = `the rollout of ${version} has ended: ${message}`
  return reason === undefined
    ? { phase: 'Pending', reason: outcome, message: words }
    : { phase: 'Stalled', reason, message: words }
}
