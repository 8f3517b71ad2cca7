/** Kept-alive connections: one pool for each origin and degree of trust, the ones used longest ago closed first. */
import { isIP } from 'node:net'
import { Pool } from 'undici'
import { type Destination, ForbiddenAddress, guardedLookup, mayConnect } from './addresses.ts'
import { Lru } from './lru.ts'

/** Answers can name any number of hosts; this many stay connected. */
const mostPools = 256
/** Longer than the usual poll interval, so that the next poll finds the connection of the last one. */
const keepAliveMs = 90_000
const longestKeepAliveMs = 600_000

export interface PoolOptions {
  readonly connectTimeoutMs: number
  readonly connectionsPerOrigin: number
}

export class Pools {
  readonly #options: PoolOptions
  readonly #pools = new Lru<Pool>(mostPools)
  #connections = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** How many connections were opened so far. */
  get connections(): number {
    return this.#connections
  }

  /** @throws ForbiddenAddress where the origin itself is an address that is not allowed */
  for(origin: string, destination: Destination): Pool {
    const key = `${destination} ${origin}`
    const known = this.#pools.get(key)
    if (known !== undefined) return known

    const hostname = new URL(origin).hostname.replace(/^\[|\]$/g, '')
    // Sockets look up names only: an address has to be checked before.
    if (isIP(hostname) !== 0 && !mayConnect(hostname, destination)) {
      throw new ForbiddenAddress(`${hostname} is an address that is not allowed`)
    }
    const pool = new Pool(origin, {
      connections: this.#options.connectionsPerOrigin,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: longestKeepAliveMs,
      connect: { timeout: this.#options.connectTimeoutMs, lookup: guardedLookup(destination) },
    })
    pool.on('connect', () => {
      this.#connections++
    })
    const displaced = this.#pools.set(key, pool)
    displaced?.close().catch(() => undefined)
    return pool
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.allSettled(pools.map((pool) => pool.destroy()))
  }
}
