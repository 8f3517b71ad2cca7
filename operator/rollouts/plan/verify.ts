import type { CheckStatus, RolloutSettings, RolloutStatus } from '../../api/rollout-status.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'
import { untilOf } from '../verifiers/case.ts'
import { verdictOf } from '../verifiers/verdict.ts'
import { type Stage, specOf, withCheck } from './checks.ts'
import type { Decision, State } from './decision.ts'
import { inProgress } from './in-progress.ts'
import { failed, giveUp } from './rollback.ts'

/** Runs the checks of a stage, one after another. The rollout's clock stands still meanwhile. */
export function runChecks(
  observation: Observation,
  rollout: RolloutStatus,
  settings: RolloutSettings,
  stage: Stage,
): Decision {
  const { now, check: sight, refused } = observation
  const status = rollout.checks?.find(({ step, state }) => step === stage && state !== 'Passed')
  if (!status) throw new Error(`all checks of ${stage} have passed`)
  const check = specOf(settings, status)
  if (!check) return unavailable(observation, rollout, status.name, 'the settings of the rollout have no such check')
  // What is to be seen of a check is read from the next time on.
  if (status.state === 'Pending' || sight === undefined) {
    const started: CheckStatus = { ...status, state: 'Running', since: status.since ?? timestamp(now) }
    return inProgress(withCheck(rollout, started), { state: verifying(rollout, settings, started), requeueAt: now })
  }

  const refusal = sight.sight === 'pod' ? refused?.get(sight.name) : undefined
  const { status: next, changes, lookAgainAt } = verdictOf({ check, status, refused: refusal, now }, sight)
  const after = withCheck(rollout, next)
  switch (next.state) {
    case 'Failed':
      return failed(observation, after, 'CheckFailed', `check ${next.name} has failed: ${next.message}`)
    case 'Error':
      return unavailable(observation, after, next.name, next.message)
    case 'Passed': {
      const following = after.checks?.find(({ step, state }) => step === stage && state === 'Pending')
      if (following) return runChecks({ ...observation, check: undefined }, after, settings, stage)
      return inProgress(after, { state: verifying(after, settings, next), requeueAt: now })
    }
    default:
      return inProgress(after, { state: verifying(after, settings, next), changes, requeueAt: lookAgainAt })
  }
}

/** That says nothing about the version. */
function unavailable(
  observation: Observation,
  rollout: RolloutStatus,
  name: string,
  why: string | undefined,
): Decision {
  const obstacle = { reason: 'CheckUnavailable', message: `check ${name} could not be run: ${why}` }
  return giveUp(observation, rollout, obstacle)
}

/** The message changes with the check and with what it waits for, and not with time. */
function verifying({ version, checks = [] }: RolloutStatus, settings: RolloutSettings, status: CheckStatus): State {
  const { step, name, since = '', message, state } = status
  const list = checks.filter((other) => other.step === step)
  const place = `${list.findIndex((other) => other.name === name) + 1} of ${list.length}`
  const when = step === 'container' ? ' before anything is changed' : ''
  const check = specOf(settings, status)
  const until = check ? `, until ${timestamp(untilOf({ check, status }))} at the latest` : ''
  const progress = state === 'Running' ? `runs since ${since}${until}` : 'has passed'
  const words = `verifying ${version}${when}: check ${name} (${place}) ${progress}${state === 'Running' && message ? `: ${message}` : ''}`
  return { phase: 'Verifying', reason: 'Verifying', message: words }
}
