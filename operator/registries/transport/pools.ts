/** Kept-alive connections: one pool for each origin and destination. The least recently used pool is closed first. */
import { isIP } from 'node:net'
import { createSecureContext, getCACertificates } from 'node:tls'
import { LRUCache } from 'lru-cache'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { type Destination, ForbiddenAddress, guardedLookup, isLoopbackName, mayConnect } from './addresses.ts'
import type { LoopbackHosts } from './loopback-hosts.ts'
import { assertAllowedName } from './proxied-address.ts'
import type { ProxyRules } from './proxies.ts'

/** Answers can name any number of hosts; this many stay connected. */
const maxPools = 256
/** Longer than the usual poll interval, so that the next poll finds a connection. */
const keepAliveMs = 90_000
const maxKeepAliveMs = 600_000

export interface PoolOptions {
  readonly connectTimeoutMs: number
  readonly connectionsPerOrigin: number
  /** In PEM, beside Node's own. */
  readonly ca?: string | undefined
  readonly proxies?: ProxyRules | undefined
  readonly loopbackHosts: LoopbackHosts
}

export interface OriginPool {
  readonly dispatcher: Dispatcher
  /**
   * To be called before each request. Undefined unless a proxy looks the name up.
   * @throws Unreachable `forbidden` where the name is known here to lead to an address that is not allowed
   */
  readonly check: (() => Promise<void>) | undefined
}

export class Pools {
  readonly #options: PoolOptions
  readonly #pools = new LRUCache<string, OriginPool>({
    max: maxPools,
    dispose: ({ dispatcher }, _, reason) => {
      if (reason === 'evict') dispatcher.close().catch(() => undefined)
    },
  })
  readonly #tls: { readonly secureContext?: ReturnType<typeof createSecureContext> }
  #connections = 0

  constructor(options: PoolOptions) {
    this.#options = options
    // Made once: reading some 150 certificates for each connection would cost more than the connection.
    this.#tls =
      options.ca === undefined
        ? {}
        : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), options.ca] }) }
  }

  /** How many connections were opened so far. */
  get connections(): number {
    return this.#connections
  }

  /** @throws ForbiddenAddress where the origin itself is an address that is not allowed */
  for(origin: string, namedBy: Destination): OriginPool {
    const key = `${namedBy} ${origin}`
    const known = this.#pools.get(key)
    if (known !== undefined) return known

    const url = new URL(origin)
    const destination = namedBy === 'configured' && this.#options.loopbackHosts.has(url) ? 'settings' : namedBy
    const mayBeLoopback = destination === 'settings' || destination === 'platform'
    const hostname = url.hostname.replace(/^\[|\]$/g, '')
    // Sockets look up names only, so an address has to be checked here.
    const isAllowed =
      isIP(hostname) === 0 ? mayBeLoopback || !isLoopbackName(hostname) : mayConnect(hostname, destination)
    if (!isAllowed)
      throw new ForbiddenAddress(`${hostname} is ${isIP(hostname) === 0 ? 'at ' : ''}an address that is not allowed`)
    const proxy = destination === 'platform' ? undefined : this.#options.proxies?.for(origin)
    const made: OriginPool =
      proxy === undefined
        ? { dispatcher: this.#direct(origin, destination), check: undefined }
        : { dispatcher: this.#through(proxy), check: () => assertAllowedName(hostname, destination) }
    this.#pools.set(key, made)
    return made
  }

  #direct(origin: string, destination: Destination): Dispatcher {
    const { connectTimeoutMs } = this.#options
    return this.#pool(origin, { ...this.#tls, timeout: connectTimeoutMs, lookup: guardedLookup(destination) })
  }

  #through(uri: string): Dispatcher {
    return new ProxyAgent({
      uri,
      connectTimeout: this.#options.connectTimeoutMs,
      proxyTls: this.#tls,
      requestTls: this.#tls,
      factory: (origin, { connect }: { connect?: Pool.Options['connect'] }) => this.#pool(String(origin), connect),
    })
  }

  #pool(origin: string, connect: Pool.Options['connect']): Pool {
    const pool = new Pool(origin, {
      connections: this.#options.connectionsPerOrigin,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: maxKeepAliveMs,
      ...(connect === undefined ? {} : { connect }),
    })
    pool.on('connect', () => {
      this.#connections++
    })
    return pool
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.allSettled(pools.map(({ dispatcher }) => dispatcher.destroy()))
  }
}
