/** The cache's contract: what a list/watch keeps of one resource, by `namespace/name`. */

/** What every stored object has, however much of it was stripped. */
export interface Stored {
  /** `namespace/name`, or `name` of a cluster-scoped object. */
  readonly key: string
  readonly resourceVersion: string
}

export type Change<T> =
  | { readonly type: 'added'; readonly now: T }
  | { readonly type: 'changed'; readonly before: T; readonly now: T }
  | { readonly type: 'deleted'; readonly before: T }

export interface Store<T extends Stored> {
  get(key: string): T | undefined
  values(): IterableIterator<T>
  readonly size: number
  /**
   * Puts in the answer of our own write, so that the next look does not see a world from before it.
   * Ignored where the store already has a newer version.
   */
  put(object: T): void
  /** Called after the store has changed; a listener must not throw and must not wait. */
  onChange(listener: (change: Change<T>) => void): void
}
