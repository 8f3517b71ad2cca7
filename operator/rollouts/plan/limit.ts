import type { RolloutStatus } from '../../api/status.ts'

/** A rollback that starts at the deadline still gets this long to become healthy before the rollout ends. */
const rollbackGraceMs = 8_000

/** When a rollout that does not wait for a person must take its next step at the latest, in milliseconds since the epoch. */
export function limitOf({ phase, deadline, rollbackTime = deadline }: RolloutStatus): number {
  if (phase === 'RollingOut') return Date.parse(deadline)
  return Math.max(Date.parse(deadline), Date.parse(rollbackTime)) + rollbackGraceMs
}
