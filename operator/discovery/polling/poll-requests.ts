/** The polls that people ask for. A request is answered by a poll that begins after it, even by one that fails. */
import type { Target } from '../target.ts'
import type { Follower, View } from './polled-target.ts'

/** A request for a view, by the key of the follower. */
type Requests = ReadonlyMap<string, { readonly request: string; readonly view: View }>

export class PollRequests {
  readonly #answered = new Map<string, string>()

  answered(key: string): string | undefined {
    return this.#answered.get(key)
  }

  /** The request of a target, unless it is answered. */
  pending(key: string, { request }: Pick<Target, 'request'>): string | undefined {
    return request === this.#answered.get(key) ? undefined : request
  }

  /** What a poll of these views is going to answer. */
  of(views: readonly View[], followers: ReadonlyMap<string, Follower>): Requests {
    const found = new Map<string, { readonly request: string; readonly view: View }>()
    for (const view of views) {
      for (const key of view.keys) {
        const request = this.pending(key, followers.get(key)?.target ?? {})
        if (request !== undefined) found.set(key, { request, view })
      }
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
    for (const [key, { request }] of answered) this.#answered.set(key, request)
    return answered.map(([key]) => key)
  }

  forget(key: string): void {
    this.#answered.delete(key)
  }
}
