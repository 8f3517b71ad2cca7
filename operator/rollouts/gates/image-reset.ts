import type { Gate } from './gate.ts'

/** Older rollouts do not count. */
const windowMs = 600_000
const firstDelayMs = 30_000
const maxDelayMs = 300_000

/**
 * If another tool resets the image each time, the workloads would restart forever. From the second time on, cvmanager
 * waits longer each time before it puts the version back, and the status says why.
 */
export const imageReset: Gate = {
  name: 'ImageReset',

  check({ status, spec }, version, now) {
    const { rollouts = [] } = status
    const other = rollouts.findIndex(
      ({ digest, outcome, endTime }) =>
        digest !== version.digest || outcome !== 'Succeeded' || now - Date.parse(endTime) > windowMs,
    )
    const times = other < 0 ? rollouts.length : other
    const [last] = rollouts
    if (times < 2 || !last) return undefined

    const until = Date.parse(last.endTime) + Math.min(firstDelayMs * 2 ** (times - 2), maxDelayMs)
    if (now >= until) return undefined
    return {
      message: `something has set the image back after ${version.name} was rolled out, ${times} times in ten minutes. Find out what (kubectl get --show-managed-fields tells who writes the image), and let it leave the image to cvmanager, or take the label ${Object.keys(spec.selector)[0]} off; the version is put back once more, later each time`,
      until,
    }
  },
}
