import type { RolloutSettings, RolloutStatus } from '../../api/rollout-status.ts'
import type { Observation } from '../observe/observation.ts'
import type { Stage } from './checks.ts'
import type { Decision } from './decision.ts'
import { giveUp } from './rollback.ts'

/** Runs the checks of a stage, one after another. The rollout's clock stands still meanwhile. */
export function runChecks(
  observation: Observation,
  rollout: RolloutStatus,
  _settings: RolloutSettings,
  stage: Stage,
): Decision {
  const message = `this version of cvmanager cannot run the checks of ${stage}`
  return giveUp(observation, rollout, { reason: 'CheckUnavailable', message })
}
