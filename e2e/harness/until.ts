import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 50

/**
 * Calls the probe until it returns a truthy value, and returns that value. A probe that throws counts as "not yet".
 * @throws Error after the timeout, with the description and the last value
 */
export async function until<T>(
  description: string,
  probe: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const deadline = Date.now() + timeoutMs
  let last = 'nothing'
  for (;;) {
    try {
      const seen = await probe()
      if (seen) return seen as Exclude<T, false | undefined | null | 0 | ''>
      last = describe(seen)
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    if (Date.now() >= deadline) {
      throw new Error(`Waited ${timeoutMs} ms for ${description}; last seen: ${last}`)
    }
    await sleep(PAUSE_MS)
  }
}

/** Like `until`, for a value that must meet a condition. The error shows the last value. */
export async function untilValue<T>(
  description: string,
  read: () => T | Promise<T>,
  holds: (value: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const { value } = await until(
    description,
    async () => {
      const seen = await read()
      if (holds(seen)) return { value: seen }
      throw new Error(describe(seen))
    },
    timeoutMs,
  )
  return value
}

const SHOWN_LENGTH = 1_500

function describe(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
}
