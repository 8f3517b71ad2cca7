/** The two things that scheduling needs of time: what it is, and to be woken. Both come in by parameters. */
import type { Clock } from './clock.ts'

/** Intervals are measured by it: a step of the machine's clock neither skips nor bunches polls. Its zero means nothing. */
export const monotonicClock: Clock = { now: () => performance.now() }

/** Calls `ring` once after so many milliseconds; the returned function calls it off. */
export type Alarm = (delayMs: number, ring: () => void) => () => void

/** The longest delay that a Node timer takes; a longer one would ring at once. */
const longestDelayMs = 2 ** 31 - 1

export const systemAlarm: Alarm = (delayMs, ring) => {
  const timer = setTimeout(ring, Math.min(Math.max(delayMs, 0), longestDelayMs))
  return () => clearTimeout(timer)
}
