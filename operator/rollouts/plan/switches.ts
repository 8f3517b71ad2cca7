/** When a version begins to serve users, and when it no longer does, of a strategy that switches them. */
import type { RolloutStatus } from '../../api/rollout-status.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'

export function withSwitch({ serving, now }: Observation, rollout: RolloutStatus): RolloutStatus {
  const isNew = rollout.switchTime === undefined && serve(serving, rollout)
  return isNew ? { ...rollout, switchTime: timestamp(now) } : rollout
}

/** @param serving the workloads of the rollout that serve users now */
export function withSwitchBack(
  { serving, now }: Pick<Observation, 'serving' | 'now'>,
  rollout: RolloutStatus,
): RolloutStatus {
  const { switchTime, switchBackTime } = rollout
  const isNew = switchTime !== undefined && switchBackTime === undefined && !serve(serving, rollout)
  return isNew ? { ...rollout, switchBackTime: timestamp(now) } : rollout
}

const serve = (serving: Observation['serving'], { image }: RolloutStatus): boolean =>
  serving !== undefined && serving.length > 0 && serving.every((workload) => workload.runs(image))
