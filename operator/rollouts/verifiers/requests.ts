/** The requests of checks: to Services of the namespace, and to hosts that the settings allow. */
import { Agent, type Dispatcher } from 'undici'
import { messageOf } from '../../errors.ts'
import { mayConnect } from '../../registries/transport/addresses.ts'
import { LoopbackHosts } from '../../registries/transport/loopback-hosts.ts'
import { Pools } from '../../registries/transport/pools.ts'
import type { ProxyRules } from '../../registries/transport/proxies.ts'
import { Unreachable, unreachable } from '../../registries/transport/unreachable.ts'

export interface RequestsOptions {
  /** The program's version, for the user agent. */
  readonly version: string
  /** The setting httpCheckHosts: `host` or `host:port`. */
  readonly hosts: readonly string[]
  readonly ca?: string | undefined
  readonly proxies?: ProxyRules | undefined
  readonly timeoutMs: number
}

/** Sends one GET and looks at its status alone: what a server says must not reach whoever may not ask it. */
export class Requests {
  readonly #options: RequestsOptions
  readonly #allowed: LoopbackHosts
  readonly #pools: Pools

  constructor(options: RequestsOptions) {
    this.#options = options
    this.#allowed = new LoopbackHosts(options.hosts)
    this.#pools = new Pools({
      connectTimeoutMs: options.timeoutMs,
      connectionsPerOrigin: 2,
      ca: options.ca,
      proxies: options.proxies,
      loopbackHosts: this.#allowed,
    })
  }

  /** Whether the settings allow this host. */
  allows(url: URL): boolean {
    return this.#allowed.has(url)
  }

  /** Requests a host that `allows`. @returns the status @throws Unreachable */
  async toHost(url: URL): Promise<number> {
    try {
      const { dispatcher, check } = this.#pools.for(url.origin, 'configured')
      await check?.()
      return await this.#send(dispatcher, url, url.host)
    } catch (thrown) {
      throw unreachable(thrown, 0)
    }
  }

  /**
   * Requests the address of a Service. Its certificate is not verified, as a kubelet does not verify that of a probe: it is
   * seldom one for the Service.
   * @param url has the address as its host
   * @param name the Service's DNS name
   * @returns the status @throws Unreachable
   */
  async toService(url: URL, name: string): Promise<number> {
    const address = url.hostname.replace(/^\[|\]$/g, '')
    if (!mayConnect(address, 'configured'))
      throw new Unreachable('forbidden', `${address} is an address that is not allowed`)
    const agent = new Agent({
      connect: { timeout: this.#options.timeoutMs, rejectUnauthorized: false, servername: name },
      pipelining: 0,
    })
    try {
      return await this.#send(agent, url, `${name}${url.port === '' ? '' : `:${url.port}`}`)
    } catch (thrown) {
      throw unreachable(thrown, 0)
    } finally {
      agent.destroy().catch(() => undefined)
    }
  }

  async close(): Promise<void> {
    await this.#pools.close()
  }

  /** No redirect is followed. */
  async #send(dispatcher: Dispatcher, url: URL, host: string): Promise<number> {
    const { timeoutMs, version } = this.#options
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const { statusCode, body } = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'GET',
        headers: { host, 'user-agent': `cvmanager/${version}` },
        // A connection of its own each time: a kept one goes to one pod alone.
        reset: true,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal,
      })
      body.on('error', () => undefined).destroy()
      return statusCode
    } catch (thrown) {
      if (signal.aborted) throw new Unreachable('timeout', `no answer within ${timeoutMs / 1000} s`)
      throw thrown instanceof Error ? thrown : new Error(messageOf(thrown))
    }
  }
}
