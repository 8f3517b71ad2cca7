/** B23: SIGTERM and SIGINT stop the process, and a stop has a time limit. */
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { aborted } from 'node:util'

/** Aborted by the first signal. A second one ends the process at once, with the shell's exit status for it. */
export function stopOnSignals(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(128 + constants.signals[signal])
      stopping.abort(signal)
    })
  }
  return stopping.signal
}

/**
 * The result of work that ends by itself after the signal.
 * @throws Error if it takes longer than `seconds` to end, and whatever `work` throws
 */
export async function endingWithin<T>(seconds: number, signal: AbortSignal, work: Promise<T>): Promise<T> {
  const ended = new AbortController()
  const tooLong = aborted(signal, process)
    .then(() => sleep(seconds * 1000, undefined, { signal: ended.signal }))
    .then(() => {
      throw new Error(`not all of it stopped within ${seconds} s; the rest continues at the next start`)
    })
  tooLong.catch(() => undefined)
  try {
    return await Promise.race([work, tooLong])
  } finally {
    ended.abort()
  }
}
