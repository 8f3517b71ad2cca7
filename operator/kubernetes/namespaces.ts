import type { ListWatch } from './list-watch.ts'
import type { Change, Store, Stored } from './store.ts'

/** One cache over several list/watches of the same resource: one for each namespace that is watched, or one for all. */
export class Watched<T extends Stored> implements Store<T> {
  /** By namespace; the empty name stands for all of them. */
  readonly #lists: ReadonlyMap<string, ListWatch<T>>

  /** @param make the list/watch of a namespace, or of all where there is none */
  constructor(namespaces: readonly string[], make: (namespace: string | undefined) => ListWatch<T>) {
    this.#lists =
      namespaces.length === 0 ? new Map([['', make(undefined)]]) : new Map(namespaces.map((name) => [name, make(name)]))
  }

  get(key: string): T | undefined {
    return this.#of(key)?.get(key)
  }

  *values(): IterableIterator<T> {
    for (const list of this.#lists.values()) yield* list.values()
  }

  get size(): number {
    return this.#all.reduce((total, { size }) => total + size, 0)
  }

  put(object: T): void {
    this.#of(object.key)?.put(object)
  }

  onChange(listener: (change: Change<T>) => void): void {
    for (const list of this.#all) list.onChange(listener)
  }

  onRecovered(listener: () => void): void {
    for (const list of this.#all) list.onRecovered(listener)
  }

  /** Resolves when all are complete. */
  get synced(): Promise<void> {
    return Promise.all(this.#all.map(({ synced }) => synced)).then(() => undefined)
  }

  /** Of the one that has been out of contact for the longest. */
  get lastContactMs(): number {
    return Math.min(...this.#all.map(({ lastContactMs }) => lastContactMs))
  }

  get lastError(): unknown {
    return this.#all.map(({ lastError }) => lastError).find((error) => error !== undefined)
  }

  start(): void {
    for (const list of this.#all) list.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((list) => list.stop()))
  }

  get #all(): ListWatch<T>[] {
    return [...this.#lists.values()]
  }

  #of(key: string): ListWatch<T> | undefined {
    return this.#lists.get('') ?? this.#lists.get(key.slice(0, key.indexOf('/')))
  }
}
