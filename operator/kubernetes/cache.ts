import { compareResourceVersions } from './resource-version.ts'
import { settle } from './settle.ts'
import type { Change, Store, Stored } from './store.ts'

/**
 * The objects of one resource, in memory. All changes up to `position` are in it, and no object ever goes back to an
 * older version, in whatever order a list, a watch and the answers to our own writes come in (R2).
 */
export class Cache<T extends Stored> implements Store<T> {
  readonly #objects = new Map<string, T>()
  readonly #listeners: ((change: Change<T>) => void)[] = []
  #position = ''

  /** The resourceVersion up to which the API server has told us everything; empty before the first list. */
  get position(): string {
    return this.#position
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
    // What is not newer than the position is known already, and if it is not here, it has been deleted since.
    if (this.#position !== '' && compareResourceVersions(object.resourceVersion, this.#position) <= 0) return
    this.#set(object)
  }

  /** An object as the watch tells it: added or modified. */
  seen(object: T): void {
    this.#set(object)
    this.#position = object.resourceVersion
  }

  /** @param resourceVersion of the deletion, not of the object's last version */
  gone(key: string, resourceVersion: string): void {
    this.#delete(key, resourceVersion)
    this.#position = resourceVersion
  }

  /** A bookmark: everything up to it has been told. */
  advance(resourceVersion: string): void {
    this.#position = resourceVersion
  }

  /** Whether a watch tells of a time before the position: the API server's data was set back to an older state. */
  isSetBack(resourceVersion: string): boolean {
    return this.#position !== '' && compareResourceVersions(resourceVersion, this.#position) < 0
  }

  /** Takes in a whole list of that resourceVersion, object by object; only real changes are told to the listeners. */
  replaceBy(resourceVersion: string): { add(object: T): void; end(): void } {
    const setBack = this.isSetBack(resourceVersion)
    const listed = new Set<string>()
    return {
      add: (object) => {
        listed.add(object.key)
        this.#set(object, setBack)
      },
      end: () => {
        for (const key of [...this.#objects.keys()]) {
          if (!listed.has(key)) this.#delete(key, resourceVersion, setBack)
        }
        this.#position = resourceVersion
      },
    }
  }

  #set(object: T, evenIfOlder = false): void {
    const before = this.#objects.get(object.key)
    if (before) {
      const order = compareResourceVersions(object.resourceVersion, before.resourceVersion)
      if (order === 0 || (order < 0 && !evenIfOlder)) return
    }
    const now = settle(object)
    this.#objects.set(now.key, now)
    this.#tell(before ? { type: 'changed', before, now } : { type: 'added', now })
  }

  #delete(key: string, resourceVersion: string, evenIfNewer = false): void {
    const before = this.#objects.get(key)
    if (!before) return
    // Made again by ourselves since.
    if (!evenIfNewer && compareResourceVersions(before.resourceVersion, resourceVersion) > 0) return
    this.#objects.delete(key)
    this.#tell({ type: 'deleted', before })
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change)
  }
}
