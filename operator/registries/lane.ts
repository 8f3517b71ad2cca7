/** The looks at one registry: so many at a time, so that one that hangs delays none but its own. */
import type { Followed } from './followed.ts'

export class Lane {
  readonly #concurrency: number
  readonly #urgent = new Set<Followed>()
  readonly #queue = new Set<Followed>()
  inFlight = 0
  /** No look before then: the registry said so. */
  pausedUntil = 0

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  get queued(): number {
    return this.#urgent.size + this.#queue.size
  }

  get idle(): boolean {
    return this.inFlight === 0 && this.queued === 0
  }

  add(followed: Followed): void {
    this.remove(followed)
    const queue = followed.urgent ? this.#urgent : this.#queue
    queue.add(followed)
  }

  remove(followed: Followed): void {
    this.#urgent.delete(followed)
    this.#queue.delete(followed)
  }

  /** The next one that may be looked at now. */
  take(): Followed | undefined {
    if (this.inFlight >= this.#concurrency) return undefined
    const [next] = this.#urgent.size > 0 ? this.#urgent : this.#queue
    if (next !== undefined) this.remove(next)
    return next
  }

  /** Empties the queue. */
  drain(): Followed[] {
    const queued = [...this.#urgent, ...this.#queue]
    this.#urgent.clear()
    this.#queue.clear()
    return queued
  }
}
