/** The keys to reconcile, and when. One worker at a time reconciles a key (B42). */
import { type BackoffLimits, backoffMs } from '../time/backoff.ts'
import type { Clock } from '../time/clock.ts'
import { type Due, DueHeap } from '../time/heap.ts'
import { type Alarm, monotonicClock, systemAlarm } from '../time/timing.ts'

/** What a handler returns. If it throws instead, the queue retries the key with back-off. */
export interface Result {
  /** Reconcile again after this many milliseconds, even if nothing changes. */
  readonly requeueAfterMs?: number | undefined
  /** Something failed that the rest did not wait for: the queue retries the key with back-off, too. */
  readonly failure?: unknown
}

export interface Failure {
  readonly key: string
  readonly error: unknown
  /** How many failures in a row. */
  readonly failures: number
  readonly retryInMs: number
}

export interface WorkQueueOptions {
  /** @param signal fires when the queue stops: for waits, not for writes in progress */
  readonly handle: (key: string, signal: AbortSignal) => Promise<Result>
  readonly onFailure: (failure: Failure) => void
  readonly workers?: number | undefined
  /** Must never go back. */
  readonly clock?: Clock | undefined
  readonly alarm?: Alarm | undefined
}

/** How long the key at the head of the queue has waited, and the slowest handler has run, for `/alive` (B44). */
export interface Heartbeat {
  readonly longestReadyMs: number
  readonly longestRunningMs: number
}

const defaultWorkers = 16
const retries: BackoffLimits = { firstMs: 500, maxMs: 300_000 }

interface Later extends Due {
  readonly key: string
}

interface Run {
  readonly sinceMs: number
  /** The key was added while it was being reconciled. */
  addedAgain: boolean
}

export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #stopping = new AbortController()
  /** In order of arrival, with the time of arrival. */
  readonly #ready = new Map<string, number>()
  readonly #running = new Map<string, Run>()
  readonly #later = new Map<string, Later>()
  readonly #due = new DueHeap<Later>()
  readonly #failures = new Map<string, number>()
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined
  #started = false
  #idle: (() => void) | undefined

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#alarm = options.alarm ?? systemAlarm
  }

  /** How many keys are ready or being reconciled; keys that are due later do not count. */
  get depth(): number {
    return this.#ready.size + this.#running.size
  }

  /** Reconciles the key as soon as a worker is free. A key that is being reconciled gets one more turn afterwards. */
  add(key: string): void {
    if (this.#stopping.signal.aborted) return
    const run = this.#running.get(key)
    if (run) run.addedAgain = true
    else if (!this.#ready.has(key)) this.#ready.set(key, this.#clock.now())
    this.#dispatch()
  }

  /** Reconciles the key after this delay, or earlier if it is due earlier already. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#stopping.signal.aborted) return
    const dueMs = this.#clock.now() + Math.max(0, milliseconds)
    const later = this.#later.get(key) ?? { key, due: Number.POSITIVE_INFINITY, place: -1 }
    if (later.due <= dueMs) return
    this.#later.set(key, later)
    this.#due.put(later, dueMs)
    this.#setTimer()
  }

  /** Retries all failed keys at once, when the cause has passed, such as an API server that was down. */
  retryFailed(): void {
    for (const key of [...this.#failures.keys()]) this.add(key)
  }

  /** Handles nothing before this call; keys may be added earlier. */
  start(): void {
    this.#started = true
    this.#dispatch()
  }

  /** Interrupts all waits (B25). Resolves when the running handlers have ended, or after the limit (B23). */
  async stop(limitMs = 2_000): Promise<void> {
    this.#stopping.abort()
    this.#ready.clear()
    this.#timer?.cancel()
    if (this.#running.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#idle = resolve
    const cancel = this.#alarm(limitMs, resolve)
    await promise
    cancel()
  }

  heartbeat(): Heartbeat {
    const now = this.#clock.now()
    // Before the start, while another replica leads, waiting keys are no sign of trouble.
    const [oldest = now] = this.#started ? this.#ready.values() : []
    const runningSinceMs = Math.min(now, ...[...this.#running.values()].map(({ sinceMs }) => sinceMs))
    return { longestReadyMs: now - oldest, longestRunningMs: now - runningSinceMs }
  }

  #dispatch(): void {
    if (!this.#started) return
    const { workers = defaultWorkers } = this.#options
    for (const key of this.#ready.keys()) {
      if (this.#running.size >= workers) return
      this.#ready.delete(key)
      void this.#work(key)
    }
  }

  /** Never rejects: whatever a handler does, the queue goes on (B24) and does not lose the key (B39). */
  async #work(key: string): Promise<void> {
    const { signal } = this.#stopping
    const run: Run = { sinceMs: this.#clock.now(), addedAgain: false }
    this.#running.set(key, run)
    this.#cancelLater(key)
    try {
      const { requeueAfterMs, failure } = await this.#options.handle(key, signal)
      if (failure === undefined) this.#failures.delete(key)
      else this.#failed(key, failure)
      if (requeueAfterMs !== undefined) this.addAfter(key, requeueAfterMs)
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error)
    }
    this.#running.delete(key)
    if (run.addedAgain) this.add(key)
    this.#dispatch()
    if (this.#running.size === 0) this.#idle?.()
  }

  #failed(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    const retryInMs = Math.max(backoffMs(failures, retries), retryAfterMsOf(error))
    this.addAfter(key, retryInMs)
    try {
      this.#options.onFailure({ key, error, failures, retryInMs })
    } catch {
      // Reporting a failure must not become one.
    }
  }

  #cancelLater(key: string): void {
    const later = this.#later.get(key)
    if (!later) return
    this.#later.delete(key)
    this.#due.remove(later)
  }

  /** Sets one timer, for the earliest key. */
  #setTimer(): void {
    const dueMs = this.#due.peek()?.due
    if (this.#timer?.dueMs === dueMs) return
    this.#timer?.cancel()
    this.#timer =
      dueMs === undefined ? undefined : { dueMs, cancel: this.#alarm(dueMs - this.#clock.now(), () => this.#ring()) }
  }

  #ring(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    for (let later = this.#due.popDue(now); later; later = this.#due.popDue(now)) {
      this.#later.delete(later.key)
      this.add(later.key)
    }
    this.#setTimer()
  }
}

/** The delay that the other side asked for, in a TransientError or an ApiError. */
function retryAfterMsOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('retryAfterMs' in error)) return 0
  return typeof error.retryAfterMs === 'number' ? error.retryAfterMs : 0
}
