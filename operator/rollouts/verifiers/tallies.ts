import { LRUCache } from 'lru-cache'
import { intervalMsOf } from './case.ts'
import type { Measurements, Run, Tally } from './verifier.ts'

/** Some 200 bytes each. */
const maxTallies = 1_000

interface Kept extends Tally {
  /** The status that it continues. */
  readonly after: string | undefined
}

/** What checks have measured since their status was written last: a thousand measurements are not a thousand writes. */
export class Tallies implements Measurements {
  readonly #kept = new LRUCache<string, Kept>({ max: maxTallies })

  async measured(run: Run, take: () => Promise<string | undefined>): Promise<Tally> {
    const { object, rollout, check, status, now } = run
    const key = `${object.key} ${object.uid} ${rollout.id} ${status.step} ${status.name}`
    const kept = this.#kept.get(key)
    const after = status.measuredTime
    const before = kept?.after === after ? kept : undefined
    const measuredAt = before?.measuredAt ?? kept?.measuredAt ?? (after === undefined ? undefined : Date.parse(after))
    const none = { sight: 'tally', good: 0, bad: 0, message: undefined, after } as const
    if (measuredAt !== undefined && now < measuredAt + intervalMsOf(check)) return before ?? { ...none, measuredAt }
    const bad = await take()
    const { good, bad: failed, message } = before ?? none
    const next = bad === undefined ? { good: good + 1, bad: failed, message } : { good, bad: failed + 1, message: bad }
    const tally: Kept = { sight: 'tally', ...next, measuredAt: now, after }
    this.#kept.set(key, tally)
    return tally
  }
}
