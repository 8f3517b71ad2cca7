import { intern } from './intern.ts'
import { compareResourceVersions } from './resource-version.ts'
import type { CachedObject, Change, Store } from './store.ts'

/**
 * The objects of one list/watch. No object ever goes back to an older version, in whatever order a list, a watch and the
 * answers to our own writes arrive (R2).
 */
export class Cache<T extends CachedObject> implements Store<T> {
  readonly #onListenerError: (error: unknown) => void
  readonly #objects = new Map<string, T>()
  readonly #listeners: ((change: Change<T>) => void)[] = []
  #resourceVersion = ''

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError
  }

  /** Everything up to this resourceVersion is in the cache; empty before the first list. */
  get resourceVersion(): string {
    return this.#resourceVersion
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  values(): IterableIterator<T> {
    return this.#objects.values()
  }

  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener)
  }

  put(object: T): void {
    // An object that is not newer than the cache is in it, or was deleted meanwhile.
    if (this.#isEmpty || compareResourceVersions(object.resourceVersion, this.#resourceVersion) > 0) this.#set(object)
  }

  /** An object that a watch event has added or modified. */
  update(object: T): void {
    this.#set(object)
    this.#resourceVersion = object.resourceVersion
  }

  /** @param resourceVersion of the deletion, not of the object's last version */
  delete(key: string, resourceVersion: string): void {
    this.#delete(key, resourceVersion)
    this.#resourceVersion = resourceVersion
  }

  /** A bookmark: there are no more events up to this resourceVersion. */
  advance(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion
  }

  /** Whether this is a resourceVersion from before that of the cache: the API server's data was restored from a backup. */
  isSetBack(resourceVersion: string): boolean {
    return !this.#isEmpty && compareResourceVersions(resourceVersion, this.#resourceVersion) < 0
  }

  /** Takes a complete list, object by object. Listeners hear only of real changes. */
  replace(resourceVersion: string): { add(object: T): void; end(): void } {
    const isSetBack = this.isSetBack(resourceVersion)
    const listed = new Set<string>()
    return {
      add: (object) => {
        listed.add(object.key)
        this.#set(object, isSetBack)
      },
      end: () => {
        for (const key of [...this.#objects.keys()]) {
          if (!listed.has(key)) this.#delete(key, resourceVersion, isSetBack)
        }
        this.#resourceVersion = resourceVersion
      },
    }
  }

  get #isEmpty(): boolean {
    return this.#resourceVersion === ''
  }

  #set(object: T, evenIfOlder = false): void {
    const before = this.#objects.get(object.key)
    if (before) {
      const order = compareResourceVersions(object.resourceVersion, before.resourceVersion)
      if (order === 0 || (order < 0 && !evenIfOlder)) return
    }
    const now = intern(object)
    this.#objects.set(now.key, now)
    this.#emit(before ? { type: 'changed', before, now } : { type: 'added', now })
  }

  #delete(key: string, resourceVersion: string, evenIfNewer = false): void {
    const before = this.#objects.get(key)
    if (!before) return
    // A newer object was created again by ourselves.
    if (!evenIfNewer && compareResourceVersions(before.resourceVersion, resourceVersion) > 0) return
    this.#objects.delete(key)
    this.#emit({ type: 'deleted', before })
  }

  #emit(change: Change<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change)
      } catch (error) {
        this.#onListenerError(error)
      }
    }
  }
}
