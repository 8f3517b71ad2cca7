/** B23: a stop is heard, by SIGTERM as by SIGINT, and has an end. */
import { setTimeout as sleep } from 'node:timers/promises'

const numberOf = { SIGINT: 2, SIGTERM: 15 } as const

/** Aborted by the first of the two signals; the second one ends the process at once, with the shell's status for it. */
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
 * What `work` comes to, or `stopped` after a stop that the signal asked for.
 * @throws Error where the stop takes longer than `seconds`, and what `work` or `stop` throw
 */
export async function untilStopped<T>(
  { work, stop }: Stoppable<T>,
  signal: AbortSignal,
  seconds: number,
): Promise<T | 'stopped'> {
  const asked = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped')
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
  const ended = await Promise.race([work, asked])
  if (ended !== 'stopped') return ended

  // It was asked to stop: that it ends with an error now is no news.
  work.catch(() => undefined)
  const timer = new AbortController()
  const tooLong = sleep(seconds * 1000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not all of it stopped within ${seconds} s; what was left is taken up again at the next start`)
  })
  tooLong.catch(() => undefined)
  try {
    await Promise.race([stop(), tooLong])
    return 'stopped'
  } finally {
    timer.abort()
  }
}
