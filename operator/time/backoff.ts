/** How long to wait after failures in a row, and the wait itself. */
import { type Alarm, systemAlarm } from './timing.ts'

export interface BackoffLimits {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Doubles from `firstMs` to `maxMs`. The wait is between half of that and all of it, so that callers that failed together
 * do not retry together.
 * @param failures how many failures in a row, at least 1
 * @param random returns a number between 0 and 1; tests replace it
 */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffLimits, random = Math.random): number {
  const wholeMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 32))
  return Math.round(wholeMs * (0.5 + random() / 2))
}

/** Resolves after this time, or at once when the signal fires: no wait outlives a stop (B25). */
export function pause(milliseconds: number, signal: AbortSignal, alarm: Alarm = systemAlarm): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = alarm(milliseconds, end)
    signal.addEventListener('abort', end)
  })
}
