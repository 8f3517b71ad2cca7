import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.ts'
import { monotonicClock } from './timing.ts'

export const maxKeys = 1_000

/** Lets something happen once within a time, for each key: so that what strangers or tenants cause does not fill the log. */
export class AtMostEvery {
  readonly #happened: LRUCache<string, true>

  constructor(gapMs: number, clock: Clock = monotonicClock) {
    this.#happened = new LRUCache({ max: maxKeys, ttl: gapMs, ttlResolution: 0, perf: clock })
  }

  /** Whether it may happen now. If so, it has happened. */
  isDue(key = ''): boolean {
    if (this.#happened.has(key)) return false
    this.#happened.set(key, true)
    return true
  }
}
