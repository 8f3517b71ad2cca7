/** Chooses a version among the tags of a repository; the part of a policy that the poller knows. */

/** All tags of a repository, with the time of their push in milliseconds since the epoch, if known. */
export type Listing = ReadonlyMap<string, number | undefined>

export type Choice =
  | { readonly tag: string }
  /** Why no tag fits, as the rest of a sentence. */
  | { readonly tag: undefined; readonly reason: string }

export interface TagPolicy {
  /** Equal for policies that always choose the same tag. */
  readonly identity: string
  readonly needs: 'tags' | 'push times'
  /** Makes a test of whether it can choose a tag at all: the tag passes the filter. It is for one listing, not to be kept. */
  eligible(): (tag: string) => boolean
  /** Depends only on the listing, and not on its order. Yields to other work during a long listing. */
  choose(listing: Listing): Promise<Choice>
}
