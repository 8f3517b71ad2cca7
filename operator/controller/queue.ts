/** Which keys are to be looked at, and when. A key is looked at by one worker at a time (B42). */
import { type BackoffLimits, backoffMs } from '../time/backoff.ts'
import { DueTimes } from '../time/due-times.ts'

/** What a handler has to say; a thrown error is the third outcome: tried again with back-off. */
export interface Outcome {
  /** Look again after so many milliseconds, even if nothing changes. */
  readonly again?: number | undefined
}

export interface Failure {
  readonly key: string
  readonly error: unknown
  /** How often in a row. */
  readonly failures: number
  readonly againInMs: number
}

/** Time as the queue uses it; `systemTime` in earnest, a stepped one in tests. */
export interface QueueTime {
  /** Steady: it never goes back. */
  now(): number
  /** @returns what cancels it */
  after(milliseconds: number, call: () => void): () => void
}

export const systemTime: QueueTime = {
  now: () => performance.now(),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds)
    return () => clearTimeout(timer)
  },
}

export interface WorkQueueOptions {
  /** @param signal fires when the queue stops: for waits, not for writes under way */
  readonly handle: (key: string, signal: AbortSignal) => Promise<Outcome>
  readonly onFailure: (failure: Failure) => void
  readonly workers?: number | undefined
  readonly backoff?: BackoffLimits | undefined
  readonly time?: QueueTime | undefined
}

/** How long, in milliseconds, the worst-off key has been waiting or worked on; for `/alive` (B44). */
export interface Heartbeat {
  readonly longestReadyMs: number
  readonly longestRunningMs: number
}

const defaultWorkers = 16
/**
 * So long whatever is not urgent lets the urgent go first, and then goes on one by one beside them: what it has to do is
 * done to the same API server.
 */
const patienceMs = 1_000
const defaultBackoff: BackoffLimits = { firstMs: 500, maxMs: 300_000 }
/** What setTimeout can count. */
const longestTimerMs = 2 ** 31 - 1

interface Turn {
  readonly sinceMs: number
  readonly urgent: boolean
  /** Asked for meanwhile. */
  again: 'urgent' | 'calm' | undefined
}

export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #time: QueueTime
  readonly #stopping = new AbortController()
  /** In the order of arrival, with the time of it. */
  readonly #ready = new Map<string, number>()
  /** The same, of those that go first. */
  readonly #urgent = new Map<string, number>()
  readonly #running = new Map<string, Turn>()
  readonly #due = new DueTimes()
  readonly #failures = new Map<string, number>()
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined
  #held: (() => void) | undefined
  #started = false
  #idle: (() => void) | undefined

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#time = options.time ?? systemTime
  }

  /** Keys that wait or are worked on now; not those that are due later. */
  get depth(): number {
    return this.#ready.size + this.#urgent.size + this.#running.size
  }

  /** Looks at the key as soon as a worker is free. Of a key that is being worked on: once more afterwards. */
  add(key: string): void {
    if (this.#stopping.signal.aborted) return
    const running = this.#running.get(key)
    if (running) running.again ??= 'calm'
    else if (!this.#ready.has(key) && !this.#urgent.has(key)) this.#ready.set(key, this.#time.now())
    this.#dispatch()
  }

  /** Looks at the key before all that are not urgent: there is news of it, and somebody waits for what comes of it. */
  addUrgent(key: string): void {
    if (this.#stopping.signal.aborted) return
    const running = this.#running.get(key)
    if (running) running.again = 'urgent'
    else if (!this.#urgent.has(key)) this.#urgent.set(key, this.#ready.get(key) ?? this.#time.now())
    this.#ready.delete(key)
    this.#dispatch()
  }

  /** Looks at the key after so long, or earlier where it is due earlier already. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#stopping.signal.aborted) return
    this.#due.setIfEarlier(key, this.#time.now() + Math.max(0, milliseconds))
    this.#setTimer()
  }

  /** The key is of no more interest, such as a deleted object's. */
  forget(key: string): void {
    this.#ready.delete(key)
    this.#urgent.delete(key)
    this.#due.delete(key)
    this.#failures.delete(key)
  }

  /** What waits because of a failure is tried now: its cause has passed, such as an API server that was away. */
  hurry(): void {
    for (const key of [...this.#failures.keys()]) this.add(key)
  }

  /** Nothing is handled before; keys may be added. */
  start(): void {
    this.#started = true
    this.#dispatch()
  }

  /** Interrupts all waits (B25); resolves when the running handlers have ended, or after the limit (B23). */
  async stop(limitMs = 2_000): Promise<void> {
    this.#stopping.abort()
    this.#ready.clear()
    this.#urgent.clear()
    this.#held?.()
    this.#due.clear()
    this.#setTimer()
    if (this.#running.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#idle = resolve
    const cancel = this.#time.after(limitMs, resolve)
    await promise
    cancel()
  }

  heartbeat(): Heartbeat {
    const now = this.#time.now()
    // Before the start, that is as long as another replica leads, waiting is no sign of trouble.
    const oldest = this.#started ? [this.#ready, this.#urgent] : []
    const readySinceMs = Math.min(now, ...oldest.map((keys) => keys.values().next().value ?? now))
    const runningSinceMs = Math.min(now, ...[...this.#running.values()].map(({ sinceMs }) => sinceMs))
    return { longestReadyMs: now - readySinceMs, longestRunningMs: now - runningSinceMs }
  }

  #dispatch(): void {
    if (!this.#started) return
    const { workers = defaultWorkers } = this.#options
    let urgent = 0
    for (const turn of this.#running.values()) if (turn.urgent) urgent += 1
    // As many again for the urgent, so that none waits for a look that is not.
    for (const key of this.#urgent.keys()) {
      if (urgent >= workers) break
      this.#urgent.delete(key)
      urgent += 1
      void this.#work(key, true)
    }
    const now = this.#time.now()
    for (const [key, sinceMs] of this.#ready) {
      if (this.#running.size - urgent >= (urgent > 0 ? 1 : workers)) return
      if (urgent > 0 && now - sinceMs < patienceMs) {
        this.#hold(sinceMs + patienceMs - now)
        return
      }
      this.#ready.delete(key)
      void this.#work(key, false)
    }
  }

  /** An urgent look may take long itself. */
  #hold(milliseconds: number): void {
    this.#held ??= this.#time.after(milliseconds, () => {
      this.#held = undefined
      this.#dispatch()
    })
  }

  /** Never rejects: whatever a handler does, the queue goes on (B24) and the key is not lost (B39). */
  async #work(key: string, urgent: boolean): Promise<void> {
    const { signal } = this.#stopping
    const turn: Turn = { sinceMs: this.#time.now(), urgent, again: undefined }
    this.#running.set(key, turn)
    this.#due.delete(key)
    try {
      const { again } = await this.#options.handle(key, signal)
      this.#failures.delete(key)
      if (again !== undefined) this.addAfter(key, again)
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error)
    }
    this.#running.delete(key)
    if (turn.again === 'urgent') this.addUrgent(key)
    else if (turn.again === 'calm') this.add(key)
    this.#dispatch()
    if (this.#running.size === 0) this.#idle?.()
  }

  #failed(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    const againInMs = Math.max(backoffMs(failures, this.#options.backoff ?? defaultBackoff), askedMs(error))
    this.addAfter(key, againInMs)
    try {
      this.#options.onFailure({ key, error, failures, againInMs })
    } catch {
      // To tell of a failure must not become one.
    }
  }

  /** One timer, for the earliest. */
  #setTimer(): void {
    const first = this.#due.first()
    if (this.#timer && this.#timer.dueMs === first?.dueMs) return
    this.#timer?.cancel()
    this.#timer = undefined
    if (!first) return
    const { dueMs } = first
    const waitMs = Math.min(Math.max(0, dueMs - this.#time.now()), longestTimerMs)
    this.#timer = { dueMs, cancel: this.#time.after(waitMs, () => this.#ring()) }
  }

  #ring(): void {
    this.#timer = undefined
    const now = this.#time.now()
    for (let first = this.#due.first(); first && first.dueMs <= now; first = this.#due.first()) {
      this.#due.delete(first.key)
      this.add(first.key)
    }
    this.#setTimer()
  }
}

/** Of errors that carry what the other side asked for: TransientError, ApiError. */
function askedMs(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('retryAfterMs' in error)) return 0
  return typeof error.retryAfterMs === 'number' ? error.retryAfterMs : 0
}
