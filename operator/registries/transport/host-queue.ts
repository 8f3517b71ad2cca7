/**
 * The queue in front of one registry. Polls, searches for versions and tagging commands all go through it, so one place
 * knows the rate limit of the registry, the pause that it asked for, and whether it is down.
 */
import { LRUCache } from 'lru-cache'
import { onAbort } from '../../time/abortable.ts'
import type { Clock } from '../../time/clock.ts'
import type { Alarm } from '../../time/timing.ts'
import type { Allowance } from './allowance.ts'
import { Line, type Turn } from './line.ts'
import { Pauses } from './pauses.ts'

export interface Limits {
  /** Default: 200, or more if a registry has so many targets that polling each of them once would take too long. */
  readonly requestsPerSecond?: number | undefined
  /** How many requests may go at once after a quiet period. */
  readonly burst: number
  /** The maximum number of requests, and of jobs, at the same time. Urgent ones may be as many again. */
  readonly concurrency: number
}

export const defaultLimits: Limits = { burst: 1_000, concurrency: 64 }

const usualRequestsPerSecond = 200
/** After a restart, all targets of a registry are polled within about this time. */
const firstPassSeconds = 8

/** If requests still wait after this time, the queue opens more connections. */
const patienceMs = 100

/** Slow down below this fraction of the quota that the registry grants. */
const scarceFraction = 0.1
/** Enough for sixty tags a minute. A registry that counts only pulls does not count these requests. */
const scarceRequestsPerSecond = 1
/** A credential that is no longer used has no say. */
const allowanceAgeMs = 3_600_000
const maxAllowances = 100

/** After this many failed jobs in a row, the whole registry counts as down, and not only one repository. */
const failuresUntilDown = 3

/** The registry asked for a pause, which lasts this much longer. */
export class Paused extends Error {
  override readonly name = 'Paused'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('the registry asked for a pause')
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Requests wait for a token and a connection. A job, such as a poll with its search for a version, sends several requests.
 * It waits for its own turn first, which limits how many jobs run at the same time.
 *
 * Urgent turns never wait behind others: they have their own connections, and may use tokens in advance. While a registry
 * has little to do, it keeps one connection: a second request waits briefly for the first one to end. More connections open
 * only if requests keep waiting.
 */
export class HostQueue {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #requests = new Line()
  readonly #jobs = new Line()
  readonly #pauses: Pauses
  readonly #onUnfollowed: () => void
  #targets = 0
  #wasFollowed = false
  #tokens: number
  #filledAt: number
  #window = 1
  #failedJobs = 0
  #isAlarmSet = false
  /** By credential, as the registry counts. */
  readonly #allowances: LRUCache<string, Allowance>
  #isScarce = false

  /** @param onUnfollowed called when the last target is gone and its requests have ended; perhaps more than once */
  constructor(limits: Limits, clock: Clock, alarm: Alarm, onUnfollowed: () => void = () => undefined) {
    this.#onUnfollowed = onUnfollowed
    this.#limits = limits
    this.#clock = clock
    this.#alarm = alarm
    this.#pauses = new Pauses(clock)
    this.#allowances = new LRUCache({ max: maxAllowances, ttl: allowanceAgeMs, perf: clock })
    this.#tokens = limits.burst
    this.#filledAt = clock.now()
  }

  /** Nothing runs or waits, and nothing has to be remembered. */
  get idle(): boolean {
    return this.#targets === 0 && this.#pauses.areOver && this.#requests.idle && this.#jobs.idle
  }

  /** What the registry last said about a credential's quota. */
  allowance(credential: string): Allowance | undefined {
    return this.#allowances.get(credential)
  }

  /** How long requests with this credential still pause. Sums of monotonic times are not exact. */
  pausedMs(credential: string): number {
    return Math.round(this.#pauses.leftMs(credential))
  }

  get waitingJobs(): number {
    return this.#jobs.waiting
  }

  /** The default rate grows with the number of targets that are polled here. */
  addTargets(count: number): void {
    this.#targets += count
    this.#wasFollowed = true
    this.#reportUnfollowed()
  }

  /** The registry said how much of a credential's quota is left. */
  heed(credential: string, allowance: Allowance): void {
    this.#refill()
    this.#allowances.set(credential, allowance)
    // One credential's spent quota must not slow the others down.
    this.#isScarce = [...this.#allowances.values()].every(({ limit, remaining }) => remaining < limit * scarceFraction)
  }

  /**
   * Resolves when the request may be sent; `leave` must follow.
   * @param credential its id
   * @throws Paused during a pause; the signal's reason when it is aborted
   */
  async enter(credential: string, urgent: boolean, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const pausedMs = this.pausedMs(credential)
    if (pausedMs > 0) throw new Paused(pausedMs)
    this.#refill()
    if (this.#requests.idle && this.#tokens >= 1) {
      this.#tokens--
      this.#requests.inFlight++
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const turn: Turn = { credential, begin: resolve, refuse: (pauseMs) => reject(new Paused(pauseMs)) }
    this.#requests.add(turn, urgent)
    const forget = onAbort(signal, (reason) => {
      this.#requests.remove(turn)
      reject(reason)
    })
    this.#pump()
    try {
      await promise
    } finally {
      forget()
    }
  }

  leave(): void {
    this.#requests.inFlight--
    if (this.#requests.idle) this.#window = 1
    else this.#pump()
    this.#reportUnfollowed()
  }

  /** Calls `begin` when the job may run; `endJob` must follow. During a pause, calls `refuse` instead. */
  addJob(job: Turn, urgent: boolean): void {
    const pausedMs = this.pausedMs(job.credential)
    if (pausedMs > 0) {
      job.refuse(pausedMs)
    } else {
      this.#jobs.add(job, urgent)
      this.#beginJobs()
    }
  }

  removeJob(job: Turn): void {
    this.#jobs.remove(job)
  }

  /** @returns whether the registry was down until now */
  endJob(failed: boolean): boolean {
    const recovered = !failed && this.#failedJobs >= failuresUntilDown
    this.#failedJobs = failed ? this.#failedJobs + 1 : 0
    this.#jobs.inFlight--
    this.#beginJobs()
    this.#reportUnfollowed()
    return recovered
  }

  /**
   * The registry refused a request, or named a time before which it accepts no other.
   * @param credential of the request. Requests with others pause too, but not for long.
   * @returns the pause in milliseconds
   */
  pause(credential: string, retryAfterMs: number | undefined): number {
    this.#pauses.begin(credential, retryAfterMs)
    for (const line of [this.#requests, this.#jobs]) line.refuse((turn) => this.pausedMs(turn.credential))
    return this.pausedMs(credential)
  }

  /** The registry did not refuse a request with this credential. */
  answered(credential: string): void {
    this.#pauses.answered(credential)
  }

  #reportUnfollowed(): void {
    if (this.#wasFollowed && this.#targets === 0 && this.#requests.idle && this.#jobs.idle) this.#onUnfollowed()
  }

  #refill(): void {
    const now = this.#clock.now()
    const { requestsPerSecond, burst } = this.#pace()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * requestsPerSecond)
    this.#filledAt = now
  }

  #pace(): { readonly requestsPerSecond: number; readonly burst: number } {
    const { requestsPerSecond: wanted, burst } = this.#limits
    const requestsPerSecond = wanted ?? Math.max(usualRequestsPerSecond, this.#targets / firstPassSeconds)
    if (!this.#isScarce) return { requestsPerSecond, burst }
    return { requestsPerSecond: Math.min(scarceRequestsPerSecond, requestsPerSecond), burst: 1 }
  }

  #beginJobs(): void {
    const { concurrency } = this.#limits
    for (;;) {
      const job = this.#jobs.take(this.#jobs.inFlight < concurrency, this.#jobs.inFlight < 2 * concurrency)
      if (job === undefined) return
      this.#jobs.inFlight++
      job.begin()
    }
  }

  #pump(): void {
    this.#refill()
    const { requestsPerSecond, burst } = this.#pace()
    const line = this.#requests
    // After a refusal, one request at a time finds out for all of them whether the registry accepts requests again.
    const concurrency = this.#pauses.isProbing ? 1 : this.#limits.concurrency
    const urgentConcurrency = this.#pauses.isProbing ? 1 : 2 * concurrency
    for (;;) {
      const normal = this.#tokens >= 1 && line.inFlight < Math.min(this.#window, concurrency)
      const urgent = this.#tokens > -burst && line.inFlight < urgentConcurrency
      const turn = line.take(normal, urgent)
      if (turn === undefined) break
      this.#tokens--
      line.inFlight++
      turn.begin()
    }
    if (line.waiting === 0 || line.inFlight >= concurrency) return
    if (this.#tokens < 1) this.#wake(((1 - this.#tokens) / requestsPerSecond) * 1000, () => this.#pump())
    else this.#wake(patienceMs, () => this.#widen())
  }

  #widen(): void {
    if (this.#requests.waiting > 0 && this.#requests.inFlight >= this.#window) {
      this.#window = Math.min(this.#window * 2, this.#limits.concurrency)
    }
    this.#pump()
  }

  #wake(delayMs: number, ring: () => void): void {
    if (this.#isAlarmSet) return
    this.#isAlarmSet = true
    this.#alarm(Math.ceil(delayMs), () => {
      this.#isAlarmSet = false
      ring()
    })
  }
}
