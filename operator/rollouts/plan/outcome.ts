import type { Outcome } from '../../api/names.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { Quarantined } from '../../api/status.ts'
import type { Digest } from '../../images/digest.ts'
import { timestamp } from '../../time/clock.ts'
import { notTried } from '../gates/not-tried.ts'
import { quarantineMessage } from '../gates/quarantine.ts'
import type { Observation } from '../observe/observation.ts'
import { runsInWords } from './current.ts'
import type { Decision, State } from './decision.ts'
import { inProgress } from './in-progress.ts'
import { inShort } from './in-short.ts'
import { pastRollouts } from './status.ts'

/** Ends a rollout. The status names the outcome before the record is written, so that a restart cannot find another (B28). */
export function conclude(observation: Observation, rollout: RolloutStatus, outcome: Outcome): Decision {
  return recordOf(observation, { ...rollout, phase: 'Recording', outcome, endTime: timestamp(observation.now) })
}

/** Records a rollout that has ended, and returns the status for afterwards. */
export function recordOf(observation: Observation, rollout: RolloutStatus): Decision {
  const { object, now } = observation
  const { outcome = 'Aborted', endTime = timestamp(now), digest, version, image, checks, message = outcome } = rollout
  const failure: Quarantined | undefined =
    outcome === 'RolledBack' || outcome === 'Failed'
      ? { digest, version, outcome, message: inShort(message), since: endTime, generation: object.generation }
      : undefined
  const afterRecord: Decision = {
    state: failure
      ? failureState(failure, quarantineMessage({ ...failure, checks }, object.spec.tag, message))
      : stateAfter(observation, { ...rollout, outcome, endTime }),
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

function stateAfter(observation: Observation, rollout: RolloutStatus): State {
  const { outcome = 'Aborted', digest, version, reason, message } = rollout
  if (outcome === 'Succeeded')
    return { phase: 'UpToDate', reason: 'UpToDate', message: runsInWords(observation, version) }
  const words = `the rollout of ${version} has ended: ${message}`
  if (reason === undefined) return { phase: 'Pending', reason: outcome, message: words }
  // What the gate is going to say, so that the state does not change once more.
  const { object } = observation
  const rollouts = pastRollouts(object.status.rollouts, rollout, object.generation)
  const ended = { ...object, status: { ...object.status, rollouts } }
  const hold = notTried.check({ ...observation, object: ended }, { digest: digest as Digest, name: version })
  return { phase: 'Stalled', reason, message: hold?.message ?? words }
}
