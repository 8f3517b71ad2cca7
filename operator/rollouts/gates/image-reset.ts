import { type Gate, nextAttempt, timesInARow } from './gate.ts'

/** Older rollouts do not count. */
const windowMs = 600_000
const maxDelayMs = 300_000

/**
 * If another tool resets the image each time, the workloads would restart forever. From the second time on, cvmanager
 * waits longer each time before it puts the version back, and the status says why.
 */
export const imageReset: Gate = {
  name: 'ImageReset',

  check({ object: { status, spec }, drift = [], now }, version) {
    const { rollouts = [], drifts = [] } = status
    const times = timesInARow(
      rollouts,
      ({ digest, outcome, endTime }) =>
        digest === version.digest && outcome === 'Succeeded' && now - Date.parse(endTime) <= windowMs,
    )
    const [last] = rollouts
    if (times < 2 || !last) return undefined

    const until = nextAttempt(last, times - 1, maxDelayMs)
    if (now >= until) return undefined
    const by = [...drift, ...drifts][0]?.by
    const who = by ?? 'something'
    const find =
      by === undefined ? 'Find out what (kubectl get --show-managed-fields tells who writes the image), and let' : 'Let'
    return {
      message: `${who} has set the image back after ${version.name} was rolled out, ${times} times in ten minutes. ${find} it leave the image to cvmanager, or take the label ${Object.keys(spec.selector)[0]} off; the version is put back once more, later each time`,
      until,
    }
  },
}
