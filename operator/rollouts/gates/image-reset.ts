import type { Gate } from './gate.ts'

/** Rollouts that ended longer ago say nothing of a fight that goes on now. */
const windowMs = 600_000
const firstDelayMs = 30_000
const longestDelayMs = 300_000

/**
 * Another tool that sets the image back each time would have the workloads restart for ever: from the second time on the
 * version is put back ever more slowly, and whoever looks is told why.
 */
export const imageReset: Gate = {
  name: 'ImageReset',

  check({ status, spec }, candidate, now) {
    const { rollouts = [] } = status
    const other = rollouts.findIndex(
      ({ digest, outcome, endTime }) =>
        digest !== candidate.digest || outcome !== 'Succeeded' || now - Date.parse(endTime) > windowMs,
    )
    const times = other < 0 ? rollouts.length : other
    const [last] = rollouts
    if (times < 2 || !last) return { verdict: 'open' }

    const until = Date.parse(last.endTime) + Math.min(firstDelayMs * 2 ** (times - 2), longestDelayMs)
    if (now >= until) return { verdict: 'open' }
    return {
      verdict: 'held',
      by: 'ImageReset',
      message: `something has set the image back after ${candidate.name} was rolled out, ${times} times in ten minutes. Find out what (kubectl get --show-managed-fields tells who writes the image), and let it leave the image to cvmanager, or take the label ${Object.keys(spec.selector)[0]} off; the version is put back once more, later each time`,
      until,
    }
  },
}
