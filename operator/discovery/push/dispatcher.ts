/** Takes hints from wherever they come to whoever follows tags. A hint carries no data that is trusted: it says "look there". */
import type { Place } from '../polling/places.ts'

/** What became of one hint, or of one request that brought none, as metrics name it. */
export type HintOutcome =
  /** Somebody follows that tag: it is looked at. */
  | 'looked'
  /** Nobody follows it. */
  | 'unknown'
  /** No push of a tag, or nothing that an image could be called. */
  | 'ignored'
  /** The sender did not show the secret. */
  | 'refused'
  | 'malformed'
  /** Of a request that was handed on to the replica that follows tags, which counts what is in it. */
  | 'forwarded'
  /** This process cannot take it now. */
  | 'unavailable'

/** The poller. */
export interface Looks {
  /** @returns how many targets are looked at */
  lookNowAt(place: Place, source: string): number
}

export class Dispatcher {
  readonly #looks: () => Looks | undefined
  readonly #onHint: (kind: string, outcome: HintOutcome, count: number) => void

  /** @param looks undefined while this process does not lead: nothing is followed then */
  constructor(looks: () => Looks | undefined, onHint: (kind: string, outcome: HintOutcome, count: number) => void) {
    this.#looks = looks
    this.#onHint = onHint
  }

  get ready(): boolean {
    return this.#looks() !== undefined
  }

  count(kind: string, outcome: HintOutcome, count = 1): void {
    if (count > 0) this.#onHint(kind, outcome, count)
  }

  /**
   * Never waits for a look.
   * @returns how many of the places are followed
   */
  take(kind: string, places: readonly Place[], ignored = 0): number {
    const looks = this.#looks()
    let followed = 0
    for (const place of places) if (looks !== undefined && looks.lookNowAt(place, kind) > 0) followed++
    this.count(kind, 'looked', followed)
    this.count(kind, 'unknown', places.length - followed)
    this.count(kind, 'ignored', ignored)
    return followed
  }

  /** One hint about one tag that may be followed under several names. @returns whether it is */
  takeOne(kind: string, names: readonly Place[]): boolean {
    const looks = this.#looks()
    const found = names.filter((place) => looks !== undefined && looks.lookNowAt(place, kind) > 0)
    this.count(kind, found.length > 0 ? 'looked' : 'unknown')
    return found.length > 0
  }
}
