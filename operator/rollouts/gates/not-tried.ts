import { timestamp } from '../../time/clock.ts'
import { type Gate, nextAttempt, timesInARow } from './gate.ts'

/** Each attempt may restart the workloads. */
const maxDelayMs = 3_600_000

/** Somebody has taken users elsewhere in the middle. cvmanager does not argue with that person. */
const respected = 'ServiceChanged'

/** A version that could not be tried has not failed: it is tried again, later each time, or when the spec changes. */
export const notTried: Gate = {
  name: 'Aborted',

  check({ object: { status, generation }, now }, version) {
    const { rollouts = [] } = status
    const times = timesInARow(
      rollouts,
      // Without a reason, the rollout ended because the ContainerVersion was deleted.
      ({ digest, outcome, reason, generation: under }) =>
        digest === version.digest && outcome === 'Aborted' && reason !== undefined && under === generation,
    )
    const [last] = rollouts
    if (times === 0 || !last) return undefined

    const held = { by: last.reason, phase: 'Stalled' as const }
    const untried = `${version.name} could not be tried: ${last.message}`
    if (last.reason === respected)
      return {
        ...held,
        message: `${untried}. cvmanager tries it again when the spec changes, and takes the next version.`,
      }

    const until = nextAttempt(last, times, maxDelayMs)
    if (now >= until) return undefined
    return {
      ...held,
      message: `${untried}. cvmanager tries it again at ${timestamp(until)}, later each time, or when the spec changes.`,
      until,
    }
  },
}
