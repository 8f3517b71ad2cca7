import { type BackoffLimits, backoffMs } from '../../time/backoff.ts'
import type { Clock } from '../../time/clock.ts'

const limits: BackoffLimits = { firstMs: 5_000, maxMs: 300_000 }
/** Only one process sends requests, so nothing has to be spread out. */
const noJitter = () => 1
/** A registry that is overloaded refuses the next credential too, and then that one pauses as well. */
const maxPauseOfOthersMs = 10_000
const maxCredentials = 1_000

interface Refusals {
  until: number
  /** In a row. Those that come during one pause count once. */
  count: number
}

/**
 * The pauses that one registry asked for. Registries count requests by credential, and anonymous ones by address, so a pause
 * is for the credential that was refused: one tenant's quota must not stop the others.
 */
export class Pauses {
  readonly #clock: Clock
  readonly #refusals = new Map<string, Refusals>()
  #allUntil = Number.NEGATIVE_INFINITY
  #lastUntil = Number.NEGATIVE_INFINITY
  #isProbing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Since the last refusal, no request was answered. */
  get isProbing(): boolean {
    return this.#isProbing
  }

  get areOver(): boolean {
    return this.#clock.now() >= this.#lastUntil
  }

  /** How long the credential still pauses; 0 if it does not. */
  leftMs(credential: string): number {
    const own = this.#refusals.get(credential)?.until ?? Number.NEGATIVE_INFINITY
    return Math.max(Math.max(own, this.#allUntil) - this.#clock.now(), 0)
  }

  /** @param wantedMs undefined if the registry did not name a time */
  begin(credential: string, wantedMs: number | undefined): void {
    const now = this.#clock.now()
    if (this.#refusals.size >= maxCredentials) this.#forgetOld(now)
    const refusals = this.#refusals.get(credential) ?? { until: Number.NEGATIVE_INFINITY, count: 0 }
    this.#refusals.set(credential, refusals)
    const isNew = now >= refusals.until
    if (isNew) refusals.count++
    const pauseMs = wantedMs ?? backoffMs(Math.max(refusals.count, 1), limits, noJitter)
    refusals.until = Math.max(refusals.until, now + pauseMs)
    this.#lastUntil = Math.max(this.#lastUntil, refusals.until)
    // Otherwise the requests that were under way would pause the others again and again.
    if (isNew) this.#allUntil = Math.max(this.#allUntil, now + Math.min(pauseMs, maxPauseOfOthersMs))
    this.#isProbing = true
  }

  /** A request was not refused: the next pause without a named time is short again. */
  answered(credential: string): void {
    this.#isProbing = false
    const refusals = this.#refusals.get(credential)
    if (refusals === undefined) return
    refusals.count = 0
    if (refusals.until <= this.#clock.now()) this.#refusals.delete(credential)
  }

  #forgetOld(now: number): void {
    for (const [credential, { until }] of this.#refusals) if (until <= now) this.#refusals.delete(credential)
  }
}
