/**
 * HTTP to registries: connections are kept alive, every answer has a deadline and a maximum size, and every request waits
 * in the queue of its registry. It follows no redirects, and knows nothing of images and tokens.
 */
import type { Clock } from '../../time/clock.ts'
import type { Alarm } from '../../time/timing.ts'
import { AuthHosts } from '../oci/auth/auth-hosts.ts'
import { type Allowance, allowanceOf } from './allowance.ts'
import { exchange } from './exchange.ts'
import { defaultLimits, type HostQueue, type Limits, Paused } from './host-queue.ts'
import { HostQueues } from './host-queues.ts'
import { LoopbackHosts } from './loopback-hosts.ts'
import { type OriginPool, Pools } from './pools.ts'
import type { ProxyRules } from './proxies.ts'
import type { Answer, Purpose, RawAnswer, Request } from './request.ts'
import { anonymousId } from './request.ts'
import { retryAfterMs } from './retry-after.ts'
import { Unreachable, unreachable } from './unreachable.ts'

export interface TransportOptions {
  /** The program's version, for the user agent. */
  readonly version: string
  /** `host` or `host:port`, reached by plain HTTP. */
  readonly insecureRegistries?: readonly string[]
  /** `host` or `host:port`, which may be at a loopback address. Those that are written as one above may be, too. */
  readonly loopbackRegistries?: readonly string[]
  /** By a registry's host: the origin of its API, if it is not at that host. */
  readonly origins?: Readonly<Record<string, string>>
  /** Which other sites a registry may name as its token service. */
  readonly authHosts?: AuthHosts
  /** Certificate authorities in PEM, in addition to those of Node. */
  readonly ca?: string | undefined
  readonly proxies?: ProxyRules | undefined
  readonly limits?: Limits
  /** For a whole answer, its body included. */
  readonly deadlineMs?: number
  readonly clock?: Clock
  readonly alarm?: Alarm
  /** Called for every request, with the registry, the purpose, and the status or the kind of failure. */
  readonly onRequest?: (host: string, purpose: Purpose, outcome: string) => void
  /** Called when nobody follows a tag of that registry any more, and the last request has ended. */
  readonly onUnfollowed?: (host: string) => void
  /** Called whenever a registry reports its quota. */
  readonly onAllowance?: (host: string, allowance: Allowance) => void
}

const defaultDeadlineMs = 10_000
const ownOrigins: Readonly<Record<string, string>> = { 'docker.io': 'https://registry-1.docker.io' }

export class Transport {
  readonly authHosts: AuthHosts
  readonly queues: HostQueues
  readonly #origins: Readonly<Record<string, string>>
  readonly #insecure: ReadonlySet<string>
  readonly #options: TransportOptions
  readonly #userAgent: string
  readonly #deadlineMs: number
  readonly #pools: Pools

  constructor(options: TransportOptions) {
    this.#options = options
    this.authHosts = options.authHosts ?? new AuthHosts()
    this.#origins = { ...ownOrigins, ...options.origins }
    this.#insecure = new Set(options.insecureRegistries)
    this.#userAgent = `cvmanager/${options.version}`
    const limits = options.limits ?? defaultLimits
    this.queues = new HostQueues(limits, options.clock, options.alarm, options.onUnfollowed)
    this.#deadlineMs = options.deadlineMs ?? defaultDeadlineMs
    this.#pools = new Pools({
      connectTimeoutMs: this.#deadlineMs,
      // Urgent requests have connections of their own.
      connectionsPerOrigin: 2 * limits.concurrency,
      ca: options.ca,
      proxies: options.proxies,
      loopbackHosts: new LoopbackHosts(options.loopbackRegistries, options.insecureRegistries),
    })
  }

  /** How many connections were opened so far, to all hosts. */
  get connections(): number {
    return this.#pools.connections
  }

  /** Whether `host` may be reached without TLS. It is named with its port, or for all ports. */
  isInsecure(host: string): boolean {
    return this.#insecure.has(host) || this.#insecure.has(host.replace(/:\d+$/, ''))
  }

  /** The origin of a registry's API. */
  originOf(host: string): string {
    const origin = Object.hasOwn(this.#origins, host) ? this.#origins[host] : undefined
    return origin ?? `${this.isInsecure(host) ? 'http' : 'https'}://${host}`
  }

  /**
   * Any status is an answer.
   * @throws Unreachable if no usable answer came; Paused during a pause; the signal's reason when it is aborted
   */
  async send(request: Request): Promise<Answer> {
    const queue = this.queues.of(request.host)
    const { credential = anonymousId } = request
    await queue.enter(credential, request.urgent === true, request.signal)
    try {
      const answer = await this.#exchange(request)
      const { date, 'retry-after': retryAfter } = answer.headers
      const wantedPauseMs = retryAfterMs(retryAfter?.toString(), date)
      const refused =
        answer.status === 429 ||
        (answer.status >= 500 && wantedPauseMs !== undefined) ||
        request.isRefusal?.(answer) === true
      const allowance = allowanceOf(answer.headers)
      if (allowance !== undefined) {
        queue.heed(credential, allowance)
        this.#options.onAllowance?.(request.host, allowance)
      }
      this.#options.onRequest?.(request.host, request.purpose, String(answer.status))
      if (!refused) queue.answered(credential)
      return { ...answer, retryAfterMs: refused ? queue.pause(credential, wantedPauseMs) : undefined }
    } catch (error) {
      queue.answered(credential)
      this.#options.onRequest?.(request.host, request.purpose, error instanceof Unreachable ? error.kind : 'aborted')
      throw error
    } finally {
      // undici regards a connection as busy until the next turn of the event loop, and would open another one.
      setImmediate(leave, queue)
    }
  }

  /** What the registry last said about a credential's quota; undefined if it says nothing. */
  allowance(host: string, credential = anonymousId): Allowance | undefined {
    return this.queues.of(host).allowance(credential)
  }

  async #exchange(request: Request): Promise<RawAnswer> {
    let pool: OriginPool
    try {
      pool = this.#pools.for(request.origin, request.destination)
    } catch (error) {
      throw unreachable(error, 0)
    }
    if (pool.check !== undefined) await pool.check()
    try {
      return await exchange(pool.dispatcher, request, this.#userAgent, this.#deadlineMs)
    } catch (error) {
      // The server may close an idle connection just as it is used again. That is no failure.
      const again = error instanceof Unreachable && error.kind === 'closed' && request.method !== 'POST'
      if (!again) throw error
      return await exchange(pool.dispatcher, request, this.#userAgent, this.#deadlineMs)
    }
  }

  /** Closes all connections, and ends the requests that are under way. */
  async close(): Promise<void> {
    await this.#pools.close()
  }
}

const leave = (queue: HostQueue): void => queue.leave()

export type { Answer, Purpose, Request }
export { Paused, Unreachable }
