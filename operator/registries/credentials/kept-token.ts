/** A token that is asked for once and kept while it lasts, however many want it. */
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import type { Credentials } from '../registry.ts'

export interface Granted {
  /** Undefined: there is none, and it is not asked for again before `lifetimeMs`. */
  readonly credentials: Credentials | undefined
  readonly lifetimeMs: number
}

export class KeptToken {
  readonly #clock: Clock
  #flight: Promise<Credentials | undefined> | undefined
  #kept: { readonly credentials: Credentials | undefined; readonly useUntil: number } | undefined

  constructor(clock: Clock = monotonicClock) {
    this.#clock = clock
  }

  async get(ask: () => Promise<Granted>): Promise<Credentials | undefined> {
    if (this.#kept !== undefined && this.#clock.now() < this.#kept.useUntil) return this.#kept.credentials
    this.#flight ??= this.#renew(ask).finally(() => {
      this.#flight = undefined
    })
    return await this.#flight
  }

  async #renew(ask: () => Promise<Granted>): Promise<Credentials | undefined> {
    const { credentials, lifetimeMs } = await ask()
    // A registry's own token made of it may live as long as it does: it is not used to its last minute.
    this.#kept = { credentials, useUntil: this.#clock.now() + lifetimeMs * 0.8 }
    return credentials
  }
}
