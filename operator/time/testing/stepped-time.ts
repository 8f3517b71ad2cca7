/** Time for tests. It stands still until a test advances it, and then rings every alarm on its way. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Alarm } from '../timing.ts'

export class SteppedTime implements Clock {
  #now = 1_000_000
  readonly #alarms = new Set<{ readonly at: number; readonly ring: () => void }>()

  now(): number {
    return this.#now
  }

  readonly alarm: Alarm = (delayMs, ring) => {
    const alarm = { at: this.#now + Math.max(delayMs, 0), ring }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
  }

  /** How many alarms are set. */
  get pending(): number {
    return this.#alarms.size
  }

  /** Advances the time, and lets everything run that was waiting for it. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds
    await setImmediate()
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)
      if (next === undefined) break
      this.#alarms.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.ring()
      await setImmediate()
    }
    this.#now = until
    await setImmediate()
  }
}
