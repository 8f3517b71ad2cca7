/** Kept-alive connections: one pool for each origin and degree of trust, the ones used longest ago closed first. */
import { isIP } from 'node:net'
import { createSecureContext, getCACertificates } from 'node:tls'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { Lru } from '../lru.ts'
import { type Destination, ForbiddenAddress, guardedLookup, mayConnect } from './addresses.ts'
import { assertResolvesWell } from './proxied-address.ts'
import type { ProxyRules } from './proxies.ts'

/** Answers can name any number of hosts; this many stay connected. */
const mostPools = 256
/** Longer than the usual poll interval, so that the next poll finds the connection of the last one. */
const keepAliveMs = 90_000
const longestKeepAliveMs = 600_000

export interface PoolOptions {
  readonly connectTimeoutMs: number
  readonly connectionsPerOrigin: number
  /** In PEM, beside Node's own. */
  readonly ca?: string | undefined
  readonly proxies?: ProxyRules | undefined
}

export class Pools {
  readonly #options: PoolOptions
  readonly #pools = new Lru<Dispatcher>(mostPools)
  readonly #tls: { readonly secureContext?: ReturnType<typeof createSecureContext> }
  #connections = 0

  constructor(options: PoolOptions) {
    this.#options = options
    // Made once: to read some 150 certificates for each connection would cost more than the connection.
    this.#tls =
      options.ca === undefined
        ? {}
        : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), options.ca] }) }
  }

  /** How many connections were opened so far. */
  get connections(): number {
    return this.#connections
  }

  /** Whether a proxy would look the name up, so that `ask` has to do it before. */
  mustAsk(origin: string, destination: Destination): boolean {
    return destination !== 'platform' && this.#options.proxies?.for(origin) !== undefined
  }

  /** @throws Unreachable `forbidden` where the name leads to an address that is not allowed, as far as it is known here */
  async ask({ origin, destination }: { readonly origin: string; readonly destination: Destination }): Promise<void> {
    await assertResolvesWell(hostnameOf(origin), destination)
  }

  /** @throws ForbiddenAddress where the origin itself is an address that is not allowed */
  for(origin: string, destination: Destination): Dispatcher {
    const key = `${destination} ${origin}`
    const known = this.#pools.get(key)
    if (known !== undefined) return known

    const hostname = hostnameOf(origin)
    // Sockets look up names only: an address has to be checked before.
    if (isIP(hostname) !== 0 && !mayConnect(hostname, destination)) {
      throw new ForbiddenAddress(`${hostname} is an address that is not allowed`)
    }
    const proxy = destination === 'platform' ? undefined : this.#options.proxies?.for(origin)
    const pool =
      proxy === undefined
        ? this.#pool(origin, {
            ...this.#tls,
            timeout: this.#options.connectTimeoutMs,
            lookup: guardedLookup(destination),
          })
        : this.#through(proxy)
    const displaced = this.#pools.set(key, pool)
    displaced?.close().catch(() => undefined)
    return pool
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
      keepAliveMaxTimeout: longestKeepAliveMs,
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
    await Promise.allSettled(pools.map((pool) => pool.destroy()))
  }
}

const hostnameOf = (origin: string): string => new URL(origin).hostname.replace(/^\[|\]$/g, '')
