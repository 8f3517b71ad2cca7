/** Keeps a cache equal to the API server's state of one resource: a list in pages, then one watch after another. */
import type { Logger } from 'pino'
import { messageOf, NeedsChangeError, TransientError } from '../errors.ts'
import { type BackoffLimits, backoffMs, pause } from '../time/backoff.ts'
import type { Clock } from '../time/clock.ts'
import { ApiError, isGone, isRefused, lacksRight } from './api-error.ts'
import { Cache } from './cache.ts'
import type { ApiClient, Query } from './client.ts'
import type { CachedObject } from './store.ts'

/**
 * A silent watch cannot be told from a dead one. So each watch asks the server to end it after 30 to 38 s, and is given up
 * if it has not ended 3 s later: the cache is at most 41 s behind. Resuming costs one small request, 0.03 a second for
 * each resource.
 */
const watchSeconds = { min: 30, max: 38 } as const
const graceMs = 3_000
/** While something is missing beside: so soon is it noticed that it is there. */
const watchSecondsUntilConfirmed = 5
/** After a watch that lasted this long, the next failure counts as the first. */
const steadyMs = 1_000
/** Short, so that the cache is up to date a few seconds after an outage of any length. */
const retries: BackoffLimits = { firstMs: 250, maxMs: 8_000 }
/**
 * A list that is older than what was seen comes from an API server that lags, or whose data was restored from a backup. One
 * that lags catches up sooner.
 */
const maxLagMs = 5_000
const lagRetryMs = 500
/** Each page of Deployments leaves some 2.5 MB of garbage; larger pages are no faster and only raise the peak of memory. */
const defaultPageLimit = 250

export interface ListWatchOptions<T extends CachedObject> {
  readonly client: ApiClient
  /** E.g. `/apis/apps/v1/deployments`. */
  readonly path: string
  /** Leaves objects out on the API server: `labelSelector`, `fieldSelector`. */
  readonly selectors?: Query | undefined
  /** Reduces an object to what is cached. */
  readonly strip: (raw: unknown) => T
  /** Which objects stay in the cache; all if undefined. */
  readonly keeps?: ((object: T) => boolean) | undefined
  /**
   * What the list needs to be of use, though the API server takes the request without it: that the namespace exists, for example.
   * @throws NeedsChangeError that says what is missing; any other error tells nothing
   */
  readonly confirm?: ((signal: AbortSignal) => Promise<void>) | undefined
  /** Whether `synced` rejects when the API server refuses the list, for a command that ends; the default is to try again. */
  readonly givesUp?: boolean | undefined
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

export class ListWatch<T extends CachedObject> {
  readonly cache: Cache<T>
  readonly #options: ListWatchOptions<T>
  readonly #stopping = new AbortController()
  readonly #synced = Promise.withResolvers<void>()
  readonly #onRecovered: (() => void)[] = []
  #running: Promise<void> | undefined
  #mustList = true
  #failures = 0
  #lastContactMs = 0
  #lastError: unknown
  /** The last one in the log. */
  #lastReason = ''
  /** Why `confirm` has failed. */
  #missing: NeedsChangeError | undefined
  #isConfirmed: boolean
  /** Since when all lists have been older than what was seen. */
  #olderSinceMs: number | undefined

  constructor(options: ListWatchOptions<T>) {
    const { log, path } = options
    this.#options = options
    this.#isConfirmed = options.confirm === undefined
    this.cache = new Cache((error) => log.error({ error, path }, 'a listener of the cache failed'))
    // A rejection that nobody waits for must not end the process.
    this.#synced.promise.catch(() => undefined)
  }

  /** Resolves after the first complete list; rejects if it is stopped before. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  /** The time of the API server's last good answer, in milliseconds since the epoch; 0 before the first. At most 41 s ago. */
  get lastContactMs(): number {
    return this.#lastContactMs
  }

  /** Why there is no contact now; undefined while there is. */
  get lastError(): unknown {
    return this.#lastError
  }

  /** What only a person can change: a right or a definition that is not there. Undefined if there is nothing. */
  get problem(): string | undefined {
    return isRefused(this.#lastError) ? this.#lastError.message : this.#missing?.message
  }

  /** Called when contact is back after failures: what has failed meanwhile can be retried at once. */
  onRecovered(listener: () => void): void {
    this.#onRecovered.push(listener)
  }

  start(): void {
    this.#running ??= this.#run(this.#stopping.signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#synced.reject(new Error(`${this.#options.path}: stopped before the first list was complete`))
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#mustList) await this.#list(signal)
        if (!this.#isConfirmed) await this.#confirm(signal)
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
      log.info({ path }, 'the resourceVersion of the watch has expired; listing again')
      // The first time without a delay, because changes are missed until then.
      if (this.#failures === 1) return 0
    } else {
      this.#lastError = error
      const reason = messageOf(error)
      if (isRefused(error) && this.#options.givesUp) this.#synced.reject(error)
      else if (reason !== this.#lastReason && !lacksRight(error)) log.warn({ path }, `${reason}; cvmanager tries again`)
      this.#lastReason = reason
    }
    const askedMs = error instanceof ApiError || error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0
    return Math.max(backoffMs(this.#failures, retries), Math.min(askedMs, retries.maxMs))
  }

  async #confirm(signal: AbortSignal): Promise<void> {
    const { confirm, log, path } = this.#options
    try {
      await confirm?.(signal)
      this.#isConfirmed = true
      if (this.#missing) log.info({ path }, 'what was missing is there')
      this.#missing = undefined
    } catch (thrown) {
      if (!(thrown instanceof NeedsChangeError)) return
      if (thrown.message !== this.#missing?.message) log.warn({ path }, thrown.message)
      this.#missing = thrown
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, log, path, selectors, keeps, pageLimit = defaultPageLimit } = this.#options
    let replacement: ReturnType<Cache<T>['replace']> | undefined
    let next: string | undefined
    do {
      // Without a resourceVersion the server returns its newest state, and not that of its own cache.
      const query: Query = { ...selectors, limit: pageLimit, continue: next }
      const { metadata, items = [] }: Page = await client.get<Page>(path, { query, signal })
      this.#succeeded()
      if (replacement === undefined && this.#mayLag(metadata.resourceVersion)) {
        log.info({ path }, 'the list is older than what was seen; listing again')
        await pause(lagRetryMs, signal)
        return this.#list(signal)
      }
      replacement ??= this.cache.replace(metadata.resourceVersion)
      for (const item of items) {
        const object = this.#strip(item)
        if (object && keeps?.(object) !== false) replacement.add(object)
      }
      next = metadata.continue
    } while (next)
    replacement.end()
    this.#mustList = false
    this.#isConfirmed = this.#options.confirm === undefined
    this.#olderSinceMs = undefined
    this.#synced.resolve()
  }

  /** Whether a list is older than what was seen, and that may pass. */
  #mayLag(resourceVersion: string): boolean {
    if (!this.cache.isSetBack(resourceVersion)) return false
    this.#olderSinceMs ??= performance.now()
    return performance.now() - this.#olderSinceMs < maxLagMs
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, path, selectors } = this.#options
    const { min, max } = watchSeconds
    const regularSeconds = min + Math.floor(Math.random() * (max - min + 1))
    const timeoutSeconds =
      this.#options.watchSeconds ?? (this.#isConfirmed ? regularSeconds : watchSecondsUntilConfirmed)
    const { resourceVersion } = this.cache
    const query: Query = { ...selectors, watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds }
    const timeoutMs = timeoutSeconds * 1000 + graceMs
    let openedMs = Number.POSITIVE_INFINITY
    const onOpen = () => {
      openedMs = performance.now()
      this.#succeeded()
    }
    const wasSteady = () => performance.now() - openedMs >= steadyMs
    try {
      for await (const event of client.stream({ path, query, signal, timeoutMs, onOpen })) {
        this.#succeeded()
        this.#apply(event as WatchEvent)
      }
    } finally {
      if (wasSteady()) this.#failures = 0
    }
    if (wasSteady()) return
    throw new TransientError('ApiServerUnavailable', `GET ${path}: the watch ended as soon as it was open`)
  }

  #apply({ type, object }: WatchEvent): void {
    const { path, keeps } = this.#options
    if (type === 'ERROR') throw ApiError.fromAnswer({ method: 'GET', path }, object.code ?? 500, JSON.stringify(object))
    const resourceVersion = object.metadata?.resourceVersion ?? ''
    if (this.cache.isSetBack(resourceVersion)) {
      const message = `GET ${path}: the API server's data was set back to an older state`
      throw new ApiError(410, 'Expired', message)
    }
    const stripped = type === 'BOOKMARK' ? undefined : this.#strip(object)
    if (stripped === undefined) this.cache.advance(resourceVersion)
    else if (type === 'DELETED' || keeps?.(stripped) === false) this.cache.delete(stripped.key, resourceVersion)
    else this.cache.update(stripped)
  }

  /** One unreadable object must not keep all others from us. */
  #strip(raw: unknown): T | undefined {
    const { path, strip, log } = this.#options
    try {
      return strip(raw)
    } catch (error) {
      log.error({ error, path }, 'skipping an object that cannot be read')
      return undefined
    }
  }

  #succeeded(): void {
    const { clock, log, path } = this.#options
    this.#lastContactMs = clock.now()
    if (this.#lastError === undefined) return
    this.#lastError = undefined
    this.#lastReason = ''
    log.info({ path }, 'in contact with the API server again')
    for (const listener of this.#onRecovered) listener()
  }
}
