/**
 * HTTP as registries are asked: kept-alive connections, a deadline and a size for every answer, the limits of each
 * registry, and nothing followed or retried that the caller does not know of. It knows nothing of images and tokens.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../time/clock.ts'
import { type Alarm, monotonicClock, systemAlarm } from '../../time/timing.ts'
import { AuthHosts } from '../oci/auth/auth-hosts.ts'
import type { Destination } from './addresses.ts'
import { type Allowance, allowanceOf } from './allowance.ts'
import { exchange, Unreachable } from './exchange.ts'
import { Pools } from './pools.ts'
import type { ProxyRules } from './proxies.ts'
import { defaultLimits, type Limits, Paused, RateLimit } from './rate-limit.ts'
import { retryAfterMs } from './retry-after.ts'

/** What a request was for, as metrics name it. */
export type Purpose = 'manifest' | 'tags' | 'blob' | 'token'

export interface TransportOptions {
  /** The program's version, for the user agent. */
  readonly version: string
  /** `host` or `host:port`: reached by plain HTTP. Loopback too has to be named here. */
  readonly insecureRegistries?: readonly string[]
  /** By a registry's host: where its API is, if not at that host. */
  readonly origins?: Readonly<Record<string, string>>
  /** Which other site a registry may name as its token service. */
  readonly authHosts?: AuthHosts
  /** Certificate authorities in PEM, trusted beside those of Node. */
  readonly ca?: string | undefined
  readonly proxies?: ProxyRules | undefined
  readonly limits?: Limits
  /** For a whole answer, its body included. */
  readonly deadlineMs?: number
  readonly clock?: Clock
  readonly alarm?: Alarm
  /** Told of every request: the registry, what it was for, and the status or the kind of failure. */
  readonly onRequest?: (host: string, purpose: Purpose, outcome: string) => void
  /** Told whenever a registry says how much it still allows. */
  readonly onAllowance?: (host: string, allowance: Allowance) => void
}

export interface Request {
  /** The registry on whose behalf it is sent, and whose limits it counts against. */
  readonly host: string
  readonly purpose: Purpose
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly origin: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
  readonly destination: Destination
  readonly urgent?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** For 429, and for others that carry Retry-After: how long the registry is left alone. */
  readonly retryAfterMs: number | undefined
}

const defaultDeadlineMs = 10_000
/** Registries are few; names that tenants invent are not kept for ever. */
const mostRegistries = 1_000

const ownOrigins: Readonly<Record<string, string>> = { 'docker.io': 'https://registry-1.docker.io' }

export class Transport {
  readonly authHosts: AuthHosts
  readonly #origins: Readonly<Record<string, string>>
  readonly #insecure: ReadonlySet<string>
  readonly #userAgent: string
  readonly #limits: Limits
  readonly #deadlineMs: number
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #onRequest: NonNullable<TransportOptions['onRequest']>
  readonly #onAllowance: NonNullable<TransportOptions['onAllowance']>
  readonly #registries = new Map<string, RateLimit>()
  readonly #pools: Pools

  constructor(options: TransportOptions) {
    this.authHosts = options.authHosts ?? new AuthHosts()
    this.#origins = { ...ownOrigins, ...options.origins }
    this.#insecure = new Set(options.insecureRegistries)
    this.#userAgent = `cvmanager/${options.version}`
    this.#limits = options.limits ?? defaultLimits
    this.#deadlineMs = options.deadlineMs ?? defaultDeadlineMs
    this.#clock = options.clock ?? monotonicClock
    this.#alarm = options.alarm ?? systemAlarm
    this.#onRequest = options.onRequest ?? (() => undefined)
    this.#onAllowance = options.onAllowance ?? (() => undefined)
    this.#pools = new Pools({
      connectTimeoutMs: this.#deadlineMs,
      connectionsPerOrigin: this.#limits.concurrency,
      ca: options.ca,
      proxies: options.proxies,
    })
  }

  /** How many connections were opened so far, to whatever host. */
  get connections(): number {
    return this.#pools.connections
  }

  /** Whether `host` may be spoken to without TLS: it was named so, with its port or for all ports. */
  isInsecure(host: string): boolean {
    return this.#insecure.has(host) || this.#insecure.has(host.replace(/:\d+$/, ''))
  }

  /** Where a registry's API is. */
  originOf(host: string): string {
    const origin = Object.hasOwn(this.#origins, host) ? this.#origins[host] : undefined
    return origin ?? `${this.isInsecure(host) ? 'http' : 'https'}://${host}`
  }

  /**
   * @throws Unreachable where no usable answer came; Paused while the registry wants to be left alone; the signal's
   * reason when it is aborted. Any status is an answer.
   */
  async send(request: Request): Promise<Answer> {
    const limit = this.#limitOf(request.host)
    await limit.enter(request.urgent === true, request.signal)
    try {
      const answer = await this.#exchange(request)
      const date = Date.parse(answer.headers.date ?? '')
      const asked = retryAfterMs(answer.headers['retry-after']?.toString(), Number.isNaN(date) ? Date.now() : date)
      const refused = answer.status === 429 || (answer.status >= 500 && asked !== undefined)
      if (!refused) limit.answered()
      this.#heed(request.host, limit, answer.headers)
      this.#onRequest(request.host, request.purpose, String(answer.status))
      return { ...answer, retryAfterMs: refused ? limit.pause(asked) : undefined }
    } catch (error) {
      this.#onRequest(request.host, request.purpose, error instanceof Unreachable ? error.kind : 'aborted')
      throw error
    } finally {
      // undici's pool takes a connection for busy until the turn after the answer, and would open another one.
      setImmediate(() => limit.leave())
    }
  }

  /** What the registry last said that it still allows; undefined where it does not say. */
  allowance(host: string): Allowance | undefined {
    return this.#registries.get(host)?.allowance
  }

  #heed(host: string, limit: RateLimit, headers: IncomingHttpHeaders): void {
    const allowance = allowanceOf(headers)
    if (allowance === undefined) return
    limit.heed(allowance)
    this.#onAllowance(host, allowance)
  }

  async #exchange(request: Request): Promise<Omit<Answer, 'retryAfterMs'>> {
    const options = { deadlineMs: this.#deadlineMs, userAgent: this.#userAgent }
    if (this.#pools.mustAsk(request.origin, request.destination)) await this.#pools.ask(request)
    try {
      return await exchange(this.#pools, request, options)
    } catch (error) {
      // The other side may close an idle connection just as it is used again: no fault of anybody's.
      const again = error instanceof Unreachable && error.kind === 'closed' && request.method !== 'POST'
      if (!again) throw error
      return await exchange(this.#pools, request, options)
    }
  }

  #limitOf(host: string): RateLimit {
    const known = this.#registries.get(host)
    if (known !== undefined) return known
    if (this.#registries.size >= mostRegistries) {
      for (const [name, { idle }] of this.#registries) if (idle) this.#registries.delete(name)
    }
    const limit = new RateLimit(this.#limits, this.#clock, this.#alarm)
    this.#registries.set(host, limit)
    return limit
  }

  /** Ends every connection and whatever is under way on it. */
  async close(): Promise<void> {
    await this.#pools.close()
  }
}

export { Paused, Unreachable }
