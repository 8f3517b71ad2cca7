/** The looks at one registry: so many at a time, so that one that hangs delays none but its own. */
import type { Followed } from './followed.ts'

export class Lane {
  readonly #concurrency: number
  readonly #urgent = new Set<Followed>()
  readonly #queue = new Set<Followed>()
  inFlight = 0
  /** Looks in a row that failed. */
  failures = 0
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

const defaultConcurrency = 64
/** Looks that are put into one request by the hundred. */
const gatheringConcurrency = 1_000
/** Hosts that tenants invent are not kept for ever. */
const mostLanes = 1_000

/** One for each registry, for as long as there is something to know of it. */
export class Lanes {
  readonly #concurrency: number | undefined
  readonly #lanes = new Map<string, Lane>()

  /** @param concurrency of each; undefined: as it is best */
  constructor(concurrency: number | undefined) {
    this.#concurrency = concurrency
  }

  get queued(): number {
    let queued = 0
    for (const lane of this.#lanes.values()) queued += lane.queued
    return queued
  }

  of({ host, rhythm }: Followed): Lane {
    const known = this.#lanes.get(host)
    if (known !== undefined) return known
    const lane = new Lane(this.#concurrency ?? (rhythm.gathers ? gatheringConcurrency : defaultConcurrency))
    this.#lanes.set(host, lane)
    return lane
  }

  remove(followed: Followed): void {
    this.#lanes.get(followed.host)?.remove(followed)
  }

  /** A look has ended: perhaps nothing is left to know. */
  release(host: string, lane: Lane, now: number): void {
    const isCalm = lane.failures === 0 || this.#lanes.size > mostLanes
    if (lane.idle && lane.pausedUntil < now && isCalm) this.#lanes.delete(host)
  }
}
