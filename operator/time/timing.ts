/** Schedulers need to know the time and to be woken. They take both as parameters, so that tests can step the time. */
import type { Clock } from './clock.ts'

/** Measures intervals: a step of the machine's clock neither skips nor bunches polls. Its zero means nothing. */
export const monotonicClock: Clock = { now: () => performance.now() }

/** Calls `ring` once after this delay. The returned function cancels the call. */
export type Alarm = (delayMs: number, ring: () => void) => () => void

/** The longest delay that a Node timer takes; with a longer one it would ring at once. */
const maxDelayMs = 2 ** 31 - 1

export const systemAlarm: Alarm = (delayMs, ring) => {
  const timer = setTimeout(ring, Math.min(Math.max(delayMs, 0), maxDelayMs))
  return () => clearTimeout(timer)
}
