/** The polls that people ask for. A request is answered by a poll that begins after it, even by one that fails. */
import type { Follower, View } from './polled-target.ts'

/** A request for a view, by the key of the follower. */
type Requests = ReadonlyMap<string, { readonly request: string; readonly view: View }>

export class PollRequests {
  /** Those without an answer: nearly always none. */
  readonly #asked = new Map<string, string>()
  readonly #answered = new Map<string, string>()

  answered(key: string): string | undefined {
    return this.#answered.get(key)
  }

  /** Whether a request is a new one, or one without an answer that is now for another view. */
  isNew(key: string, request: string | undefined, sameView: boolean): request is string {
    if (request === undefined || request === this.#answered.get(key)) return false
    return !sameView || request !== this.#asked.get(key)
  }

  ask(key: string, request: string): void {
    this.#asked.set(key, request)
  }

  /** What a poll of these views is going to answer. */
  of(views: readonly View[]): Requests {
    const found = new Map<string, { readonly request: string; readonly view: View }>()
    for (const [key, request] of this.#asked) {
      const view = views.find(({ keys }) => keys.has(key))
      if (view !== undefined) found.set(key, { request, view })
    }
    return found
  }

  /**
   * A poll has ended.
   * @returns the keys whose requests it has answered; not of those that follow something else by now
   */
  answer(requests: Requests, followers: ReadonlyMap<string, Follower>): readonly string[] {
    const answered = [...requests].filter(
      ([key, { view }]) => followers.get(key)?.view === view && view.offer.state !== 'unknown',
    )
    for (const [key, { request }] of answered) {
      this.#answered.set(key, request)
      if (this.#asked.get(key) === request) this.#asked.delete(key)
    }
    return answered.map(([key]) => key)
  }

  forget(key: string): void {
    this.#asked.delete(key)
    this.#answered.delete(key)
  }
}
