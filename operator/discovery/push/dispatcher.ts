/** Passes hints from wherever they come to the poller, and counts what becomes of them. */
import type { PushHint } from './hint.ts'

/** What became of one hint, or of one request without a hint, as the metrics name it. */
export type HintOutcome =
  /** Somebody follows that tag: it is polled. */
  | 'looked'
  /** Nobody follows it. */
  | 'unknown'
  /** No push of a tag, or no valid image name. */
  | 'ignored'
  /** The sender did not show the secret. */
  | 'refused'
  | 'malformed'
  /** The request went on to the leader, which counts its hints. */
  | 'forwarded'
  /** This process cannot take it now. */
  | 'unavailable'

export interface HintedPoller {
  /**
   * Polls what a hint is about as soon as possible. Does not wait for it.
   * @returns how many followed targets that concerns
   */
  pollNowAt(hint: PushHint): number
}

export class Dispatcher {
  readonly #poller: () => HintedPoller | undefined
  readonly #onOutcome: (kind: string, outcome: HintOutcome, count: number) => void

  /** @param poller undefined while this process does not lead */
  constructor(
    poller: () => HintedPoller | undefined,
    onOutcome: (kind: string, outcome: HintOutcome, count: number) => void,
  ) {
    this.#poller = poller
    this.#onOutcome = onOutcome
  }

  get ready(): boolean {
    return this.#poller() !== undefined
  }

  count(kind: string, outcome: HintOutcome, count = 1): void {
    if (count > 0) this.#onOutcome(kind, outcome, count)
  }

  /** @returns how many of the hints are about something that is followed */
  dispatch(kind: string, hints: readonly PushHint[], ignored = 0): number {
    const followed = this.#followed(hints)
    this.count(kind, 'looked', followed)
    this.count(kind, 'unknown', hints.length - followed)
    this.count(kind, 'ignored', ignored)
    return followed
  }

  /** Takes the names of one tag, under each of which it may be followed, as one hint. @returns whether it is followed */
  dispatchOne(kind: string, names: readonly PushHint[]): boolean {
    const isFollowed = this.#followed(names) > 0
    this.count(kind, isFollowed ? 'looked' : 'unknown')
    return isFollowed
  }

  #followed(hints: readonly PushHint[]): number {
    const poller = this.#poller()
    return poller === undefined ? 0 : hints.filter((hint) => poller.pollNowAt(hint) > 0).length
  }
}
