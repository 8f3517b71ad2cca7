/** How a version is chosen among the tags of a repository, as far as the poller has to know. */

/** All tags of a repository, with the time of their push (milliseconds since the epoch) where that is known. */
export type Listing = ReadonlyMap<string, number | undefined>

export type Choice =
  | { readonly tag: string }
  /** Why there is none, as the rest of a sentence. */
  | { readonly tag: undefined; readonly reason: string }

export interface TagPolicy {
  /** Equal for policies that choose alike. */
  readonly identity: string
  readonly needs: 'tags' | 'push times'
  /** Depends on the listing alone, and not on its order. Lets other work through while it goes over a long one. */
  choose(listing: Listing): Promise<Choice>
}
