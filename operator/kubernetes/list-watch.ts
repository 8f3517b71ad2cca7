/** Keeps a cache equal to what the API server has of one resource: a paged list, then watches, one after another. */
import type { Logger } from 'pino'
import { messageOf, TransientError } from '../errors.ts'
import { type BackoffLimits, backoffMs, pause } from '../time/backoff.ts'
import type { Clock } from '../time/clock.ts'
import { ApiError, isGone } from './api-error.ts'
import { Cache } from './cache.ts'
import type { ApiClient, Query } from './client.ts'
import type { Change, Store, Stored } from './store.ts'

/**
 * A watch that says nothing cannot be told from a dead one. So the server is asked to end each after 30 to 38 s, and one
 * that has not ended 3 s later is given up: a silent watch is at most 41 s behind. To go on from the last resourceVersion
 * costs one small request, 0.03 a second for each resource.
 */
const watchSeconds = { least: 30, most: 38 } as const
const graceMs = 3_000
/** A watch that was open for so long was a good one: the next failure is the first. */
const steadyMs = 1_000
/** So that after an outage of any length the cache is up to date a few seconds after its end. */
const retries: BackoffLimits = { firstMs: 250, maxMs: 8_000 }
/** Some 2.5 MB of garbage for each page of Deployments; larger ones are no faster, and only raise the peak of memory. */
const defaultPageLimit = 250

export interface ListWatchOptions<T extends Stored> {
  readonly client: ApiClient
  /** E.g. `/apis/apps/v1/deployments`. */
  readonly path: string
  /** Keeps what is used of an object as the API server sends it. What it returns is frozen. */
  readonly strip: (raw: unknown) => T
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  readonly pageLimit?: number | undefined
  /** How long the server is asked to keep a watch, for tests. */
  readonly watchSeconds?: number | undefined
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly clock: Clock
}

interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string }
  readonly items?: readonly unknown[]
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: { readonly code?: number; readonly metadata?: { readonly resourceVersion?: string } }
}

export class ListWatch<T extends Stored> implements Store<T> {
  readonly #options: ListWatchOptions<T>
  readonly #cache = new Cache<T>()
  readonly #stopping = new AbortController()
  readonly #synced = Promise.withResolvers<void>()
  readonly #recovered: (() => void)[] = []
  #running: Promise<void> | undefined
  #mustList = true
  #failures = 0
  #lastContactMs = 0
  #lastError: unknown

  constructor(options: ListWatchOptions<T>) {
    this.#options = options
    // Whoever does not wait for it must not be ended by its rejection.
    this.#synced.promise.catch(() => undefined)
  }

  /** Resolves after the first complete list; rejects where it is stopped before. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  /** When the API server last answered well, in milliseconds since the epoch; 0: never yet. At most 41 s ago in health. */
  get lastContactMs(): number {
    return this.#lastContactMs
  }

  /** Why it is not in contact now; undefined while it is. */
  get lastError(): unknown {
    return this.#lastError
  }

  get size(): number {
    return this.#cache.size
  }

  get(key: string): T | undefined {
    return this.#cache.get(key)
  }

  values(): IterableIterator<T> {
    return this.#cache.values()
  }

  put(object: T): void {
    this.#cache.put(object)
  }

  onChange(listener: (change: Change<T>) => void): void {
    this.#cache.onChange((change) => {
      try {
        listener(change)
      } catch (error) {
        this.#options.log.error({ err: error, path: this.#options.path }, 'a listener of the cache has failed')
      }
    })
  }

  /** Called when contact is there again after failures: what failed meanwhile may be tried at once. */
  onRecovered(listener: () => void): void {
    this.#recovered.push(listener)
  }

  start(): void {
    this.#running ??= this.#run(this.#stopping.signal)
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#synced.reject(new Error(`${this.#options.path}: stopped before the first list was complete`))
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#mustList) await this.#list(signal)
        await this.#watch(signal)
      } catch (error) {
        if (signal.aborted) return
        await pause(this.#delayAfter(error), signal)
      }
    }
  }

  #delayAfter(error: unknown): number {
    const { log, path } = this.#options
    this.#failures++
    if (isGone(error)) {
      this.#mustList = true
      log.info({ path }, 'the API server no longer knows our place in its history; listing again')
      // Once, at once: while it lasts, changes are missed.
      if (this.#failures === 1) return 0
    } else {
      this.#lastError = error
      log.warn(
        { path, failures: this.#failures, reason: messageOf(error) },
        'lost contact with the API server; trying again',
      )
    }
    const askedMs = error instanceof ApiError || error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0
    return Math.max(backoffMs(this.#failures, retries), Math.min(askedMs, retries.maxMs))
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, path, pageLimit = defaultPageLimit } = this.#options
    let replacement: ReturnType<Cache<T>['replaceBy']> | undefined
    let next: string | undefined
    do {
      // Without a resourceVersion: the newest there is, not what some API server has in its cache.
      const query: Query = { ...this.#selectors(), limit: pageLimit, continue: next }
      const { metadata, items }: Page = await client.get<Page>(path, { query, signal })
      this.#contact()
      replacement ??= this.#cache.replaceBy(metadata.resourceVersion)
      for (const item of items ?? []) {
        const object = this.#stripped(item)
        if (object) replacement.add(object)
      }
      next = metadata.continue
    } while (next)
    replacement.end()
    this.#mustList = false
    this.#synced.resolve()
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, path } = this.#options
    const { least, most } = watchSeconds
    const timeoutSeconds = this.#options.watchSeconds ?? least + Math.floor(Math.random() * (most - least + 1))
    const resourceVersion = this.#cache.position
    const query: Query = {
      ...this.#selectors(),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds,
    }
    const timeoutMs = timeoutSeconds * 1000 + graceMs
    let openedMs = Number.POSITIVE_INFINITY
    const onOpen = () => {
      openedMs = performance.now()
      this.#contact()
    }
    const wasSteady = () => performance.now() - openedMs >= steadyMs
    try {
      for await (const event of client.stream({ path, query, signal, timeoutMs, onOpen })) {
        this.#contact()
        this.#take(event as WatchEvent)
      }
    } finally {
      if (wasSteady()) this.#failures = 0
    }
    if (!wasSteady())
      throw new TransientError('ApiServerUnavailable', `GET ${path}: the watch ended as soon as it was open`)
  }

  #take({ type, object }: WatchEvent): void {
    const { path } = this.#options
    if (type === 'ERROR') throw ApiError.fromAnswer(`GET ${path}`, object.code ?? 500, object)
    const resourceVersion = object.metadata?.resourceVersion ?? ''
    if (this.#cache.isSetBack(resourceVersion)) {
      const message = `GET ${path}: the API server's data was set back to an older state`
      throw new ApiError({ status: 410, reason: 'Expired', message })
    }
    const stripped = type === 'BOOKMARK' ? undefined : this.#stripped(object)
    if (stripped === undefined) this.#cache.advance(resourceVersion)
    else if (type === 'DELETED') this.#cache.gone(stripped.key, resourceVersion)
    else this.#cache.seen(stripped)
  }

  /** One object that we cannot read must not keep us from all others. */
  #stripped(raw: unknown): T | undefined {
    const { path, strip, log } = this.#options
    try {
      return strip(raw)
    } catch (error) {
      log.error({ err: error, path }, 'an object cannot be read and is left out')
      return undefined
    }
  }

  #contact(): void {
    this.#lastContactMs = this.#options.clock.now()
    if (this.#lastError === undefined) return
    this.#lastError = undefined
    this.#options.log.info({ path: this.#options.path }, 'in contact with the API server again')
    for (const listener of this.#recovered) listener()
  }

  #selectors(): Query {
    const { labelSelector, fieldSelector } = this.#options
    return { labelSelector, fieldSelector }
  }
}
