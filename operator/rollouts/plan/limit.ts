import type { RolloutStatus } from '../../api/rollout-status.ts'
import { timestamp } from '../../time/clock.ts'
import { inShort } from './in-short.ts'

/** A rollback that starts at the deadline still gets this long to become healthy before the rollout ends. */
export const rollbackGraceMs = 8_000

/** A rollout that has ended waits this long for its record, such as for an admission webhook that restarts. */
const maxRecordingMs = 20_000

/** When a rollout that does not wait for a person must take its next step at the latest, in milliseconds since the epoch. */
export function limitOf({ phase, deadline, rollbackTime = deadline, endTime }: RolloutStatus): number {
  if (phase === 'Recording' && endTime !== undefined) return Date.parse(endTime) + maxRecordingMs
  if (phase === 'RollingOut') return Date.parse(deadline)
  return Math.max(Date.parse(deadline), Date.parse(rollbackTime)) + rollbackGraceMs
}

/**
 * When a rollback no longer waits. A process that finds the limit passed, since nobody has carried the rollback out, gives the
 * pods as long from its own first change on.
 */
export const rollbackLimitOf = (rollout: RolloutStatus, restoringSince = Number.NEGATIVE_INFINITY): number =>
  Math.max(limitOf(rollout), restoringSince + rollbackGraceMs)

/** The rollout with its clock running again: it has stood still since `waitingSince`. */
export function resumed({ waitingSince, ...stopped }: RolloutStatus, now: number): RolloutStatus {
  const rollout = waitingFor(stopped, undefined)
  if (waitingSince === undefined) return rollout
  return { ...rollout, deadline: timestamp(Date.parse(rollout.deadline) + now - Date.parse(waitingSince)) }
}

/** Says in the step, if the rollout has steps, what it waits for. */
export function waitingFor(rollout: RolloutStatus, awaited: string | undefined): RolloutStatus {
  if (rollout.step === undefined) return rollout
  const { waitingFor: _, ...step } = rollout.step
  return { ...rollout, step: awaited === undefined ? step : { ...step, waitingFor: inShort(awaited) } }
}
