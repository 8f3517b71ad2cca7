/** B23: SIGTERM and SIGINT stop the process, and a stop has a time limit. */
import { setTimeout as sleep } from 'node:timers/promises'

const numberOf = { SIGINT: 2, SIGTERM: 15 } as const

/** Aborted by the first signal. A second one ends the process at once, with the shell's exit status for it. */
export function stopOnSignals(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(128 + numberOf[signal])
      stopping.abort(signal)
    })
  }
  return stopping.signal
}

export interface Stoppable<T> {
  readonly work: Promise<T>
  /** Called once, after the signal. */
  stop(): Promise<unknown>
}

/**
 * @returns the result of `work`, or `stopped` if the signal came first and the stop is complete
 * @throws Error if the stop takes longer than `seconds`, and whatever `work` or `stop` throw
 */
export async function untilStopped<T>(
  { work, stop }: Stoppable<T>,
  signal: AbortSignal,
  seconds: number,
): Promise<T | 'stopped'> {
  const signalled = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped')
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
  const ended = await Promise.race([work, signalled])
  if (ended !== 'stopped') return ended

  // After the signal, an error of the work itself does not matter.
  work.catch(() => undefined)
  const timer = new AbortController()
  const tooLong = sleep(seconds * 1000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not all of it stopped within ${seconds} s; the rest continues at the next start`)
  })
  tooLong.catch(() => undefined)
  try {
    await Promise.race([stop(), tooLong])
    return 'stopped'
  } finally {
    timer.abort()
  }
}
