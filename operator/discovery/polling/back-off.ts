const longestMs = 300_000
/** Up to a tenth more, so that what failed together is not tried together. */
const jitter = 0.1

/** From the interval on doubling to five minutes, or to the interval where that is longer; then a little apart. */
export function backOffMs(failures: number, intervalMs: number, random: () => number): number {
  const doubled = intervalMs * 2 ** Math.min(Math.max(failures - 1, 0), 20)
  return Math.min(doubled, Math.max(longestMs, intervalMs)) * (1 + random() * jitter)
}
