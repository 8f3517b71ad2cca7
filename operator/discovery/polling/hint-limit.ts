/**
 * Hints that turn out to announce nothing use up what their target and its registry may be asked by hints: a flood of
 * them, or a registry that tells everything twice, leaves room for the polls. Hints that announce changes are free.
 */
import type { Followed } from './followed.ts'

interface Allowance {
  /** So many at once … */
  readonly burst: number
  /** … and then one in this time. */
  readonly everyMs: number
}

const ofTarget: Allowance = { burst: 10, everyMs: 1_000 }
const ofRegistry: Allowance = { burst: 200, everyMs: 20 }

export class HintLimit {
  // When the allowance would be whole again (GCRA), by target and by host; hosts are few.
  readonly #targets = new WeakMap<Followed, number>()
  readonly #registries = new Map<string, number>()

  /** When a hint may have it looked at; not after `now` where that is at once. */
  lookFrom(followed: Followed): number {
    const target = (this.#targets.get(followed) ?? 0) - (ofTarget.burst - 1) * ofTarget.everyMs
    const registry = (this.#registries.get(followed.host) ?? 0) - (ofRegistry.burst - 1) * ofRegistry.everyMs
    return Math.max(target, registry)
  }

  fruitless(followed: Followed, now: number): void {
    this.#targets.set(followed, Math.max(this.#targets.get(followed) ?? 0, now) + ofTarget.everyMs)
    this.#registries.set(followed.host, Math.max(this.#registries.get(followed.host) ?? 0, now) + ofRegistry.everyMs)
  }
}
