/** The objects of one resource, as the controller reads them from memory. */

/** What every cached object keeps of the original. */
export interface CachedObject {
  /** `namespace/name`, or `name` of a cluster-scoped object. */
  readonly key: string
  readonly resourceVersion: string
}

export type Change<T> =
  | { readonly type: 'added'; readonly now: T }
  | { readonly type: 'changed'; readonly before: T; readonly now: T }
  | { readonly type: 'deleted'; readonly before: T }

export interface Store<T extends CachedObject> {
  get(key: string): T | undefined
  values(): IterableIterator<T>
  /** Takes the answer to our own write, so that the next reconciliation sees it. Ignored if the store has a newer version. */
  put(object: T): void
  /** Calls the listener after each change. It must not wait; if it throws, the others are still called. */
  onChange(listener: (change: Change<T>) => void): void
}
