/**
 * What one registry is asked, and how fast: a token bucket, a bound on what is in flight, and a pause where the registry
 * asked for one. It also keeps a calm registry on one connection: a second request at the same time waits a moment for
 * the first to end, and only a queue that lasts opens more, doubling.
 */
import type { Clock } from '../../time/clock.ts'
import { type Alarm, monotonicClock, systemAlarm } from '../../time/timing.ts'
import type { Allowance } from './allowance.ts'

export interface Limits {
  readonly requestsPerSecond: number
  /** How many may go at once after a quiet time. */
  readonly burst: number
  /** Requests, and so connections, at the same time. */
  readonly concurrency: number
}

export const defaultLimits: Limits = { requestsPerSecond: 200, burst: 1_000, concurrency: 64 }

/** How long a queue has to last before one more connection is opened, in milliseconds. */
const patienceMs = 20
const firstPauseMs = 5_000
const longestPauseMs = 300_000

/** Of what a registry allows: with less left than this part of it, it is asked slowly. */
const scarcePart = 0.1
/** Enough for sixty tags a minute, whose headers are not even counted where only pulls are. */
const scarceRequestsPerSecond = 1

/** The registry asked to be left alone for so long. */
export class Paused extends Error {
  override readonly name = 'Paused'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('the registry asked for a pause')
    this.retryAfterMs = retryAfterMs
  }
}

interface Waiting {
  readonly go: () => void
  readonly refuse: (reason: unknown) => void
}

export class RateLimit {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #urgent = new Set<Waiting>()
  readonly #queue = new Set<Waiting>()
  #tokens: number
  #filledAt: number
  #inFlight = 0
  #window = 1
  #pausedUntil = 0
  #pauses = 0
  #cancelAlarm: (() => void) | undefined
  #allowance: Allowance | undefined

  constructor(limits: Limits = defaultLimits, clock: Clock = monotonicClock, alarm: Alarm = systemAlarm) {
    this.#limits = limits
    this.#clock = clock
    this.#alarm = alarm
    this.#tokens = limits.burst
    this.#filledAt = clock.now()
  }

  get idle(): boolean {
    return this.#inFlight === 0 && this.#queue.size === 0 && this.#urgent.size === 0
  }

  get allowance(): Allowance | undefined {
    return this.#allowance
  }

  /** The registry said how much is left: when that is little, what is due goes out slowly, and none of it in a burst. */
  heed(allowance: Allowance): void {
    this.#refill(this.#clock.now())
    this.#allowance = allowance
  }

  /**
   * Resolves when the request may be sent; `leave` must follow.
   * @throws Paused while the registry has asked to be left alone; the signal's reason when it is aborted
   */
  async enter(urgent: boolean, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const now = this.#clock.now()
    if (now < this.#pausedUntil) throw new Paused(this.#pausedUntil - now)
    this.#refill(now)
    if (this.idle && this.#tokens >= 1) return this.#start()

    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting: Waiting = { go: resolve, refuse: reject }
    const queue = urgent ? this.#urgent : this.#queue
    const abort = (): void => {
      queue.delete(waiting)
      reject(signal?.reason)
    }
    queue.add(waiting)
    signal?.addEventListener('abort', abort, { once: true })
    this.#pump()
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  leave(): void {
    this.#inFlight--
    if (this.idle) this.#window = 1
    else this.#pump()
  }

  /** The registry answered 429, or named a time: nobody asks it before. @returns the pause in milliseconds */
  pause(retryAfterMs: number | undefined): number {
    const pauseMs = retryAfterMs ?? Math.min(firstPauseMs * 2 ** Math.min(this.#pauses, 10), longestPauseMs)
    const now = this.#clock.now()
    // Answers to requests that were under way together count as one refusal.
    if (now >= this.#pausedUntil) this.#pauses++
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs)
    for (const queue of [this.#urgent, this.#queue]) {
      for (const { refuse } of queue) refuse(new Paused(this.#pausedUntil - now))
      queue.clear()
    }
    return this.#pausedUntil - now
  }

  /** An answer that was not a refusal: the next pause without a named time is short again. */
  answered(): void {
    this.#pauses = 0
  }

  #start(): void {
    this.#tokens--
    this.#inFlight++
  }

  #refill(now: number): void {
    const { requestsPerSecond, burst } = this.#pace()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * requestsPerSecond)
    this.#filledAt = now
  }

  #pace(): Pick<Limits, 'requestsPerSecond' | 'burst'> {
    const { limit, remaining } = this.#allowance ?? { limit: 0, remaining: 0 }
    if (limit === 0 || remaining >= limit * scarcePart) return this.#limits
    return { requestsPerSecond: Math.min(scarceRequestsPerSecond, this.#limits.requestsPerSecond), burst: 1 }
  }

  #pump(): void {
    this.#refill(this.#clock.now())
    while (this.#tokens >= 1 && this.#inFlight < this.#limits.concurrency) {
      const queue = this.#urgent.size > 0 ? this.#urgent : this.#queue
      if (queue === this.#queue && this.#inFlight >= this.#window) break
      const [next] = queue
      if (next === undefined) return
      queue.delete(next)
      this.#start()
      next.go()
    }
    if (this.#urgent.size + this.#queue.size === 0 || this.#inFlight >= this.#limits.concurrency) return
    if (this.#tokens < 1) this.#wake(((1 - this.#tokens) / this.#pace().requestsPerSecond) * 1000, () => this.#pump())
    else this.#wake(patienceMs, () => this.#widen())
  }

  #widen(): void {
    if (this.#queue.size > 0 && this.#inFlight >= this.#window) {
      this.#window = Math.min(this.#window * 2, this.#limits.concurrency)
    }
    this.#pump()
  }

  #wake(delayMs: number, ring: () => void): void {
    if (this.#cancelAlarm !== undefined) return
    this.#cancelAlarm = this.#alarm(Math.ceil(delayMs), () => {
      this.#cancelAlarm = undefined
      ring()
    })
  }
}
