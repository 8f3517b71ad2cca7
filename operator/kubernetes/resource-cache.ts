import type { ListWatch } from './list-watch.ts'
import type { CachedObject, Change, Store } from './store.ts'

/** The cache of one resource: one list/watch for each watched namespace, or one for all namespaces. */
export class ResourceCache<T extends CachedObject> implements Store<T> {
  /** By namespace; the empty name stands for all of them. */
  readonly #lists: ReadonlyMap<string, ListWatch<T>>

  /** @param namespaces empty for all */
  constructor(namespaces: readonly string[], create: (namespace: string | undefined) => ListWatch<T>) {
    this.#lists = new Map(
      namespaces.length === 0 ? [['', create(undefined)]] : namespaces.map((name) => [name, create(name)]),
    )
  }

  get size(): number {
    return this.#all.reduce((total, { cache }) => total + cache.size, 0)
  }

  get(key: string): T | undefined {
    return this.#of(key)?.cache.get(key)
  }

  *values(): IterableIterator<T> {
    for (const { cache } of this.#all) yield* cache.values()
  }

  put(object: T): void {
    this.#of(object.key)?.cache.put(object)
  }

  onChange(listener: (change: Change<T>) => void): void {
    for (const { cache } of this.#all) cache.onChange(listener)
  }

  onRecovered(listener: () => void): void {
    for (const list of this.#all) list.onRecovered(listener)
  }

  /** Resolves when all lists are complete. */
  get synced(): Promise<void> {
    return Promise.all(this.#all.map(({ synced }) => synced)).then(() => undefined)
  }

  /** The earliest of its list/watches. */
  get lastContactMs(): number {
    return Math.min(...this.#all.map(({ lastContactMs }) => lastContactMs))
  }

  /** Those of its list/watches. */
  get problems(): readonly string[] {
    return this.#all.flatMap(({ problem }) => problem ?? [])
  }

  start(): void {
    for (const list of this.#all) list.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((list) => list.stop()))
  }

  get #all(): readonly ListWatch<T>[] {
    return [...this.#lists.values()]
  }

  #of(key: string): ListWatch<T> | undefined {
    return this.#lists.get('') ?? this.#lists.get(key.slice(0, key.indexOf('/')))
  }
}
