/** How long to wait after so many failures in a row, and the wait itself. */
import { type Alarm, systemAlarm } from './timing.ts'

export interface BackoffLimits {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Doubles from `firstMs` to `maxMs`. Between half and the whole of it is waited, so that those who failed together do
 * not come back together.
 * @param failures how often in a row it has failed, at least 1
 * @param random between 0 and 1, for tests
 */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffLimits, random = Math.random): number {
  const wholeMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 32))
  return Math.round(wholeMs * (0.5 + random() / 2))
}

/** Resolves after so many milliseconds, or at once when the signal fires: no wait outlives a stop (B25). */
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
