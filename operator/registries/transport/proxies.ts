/**
 * The proxy variables, as Go programs read them (golang.org/x/net/http/httpproxy): the lower-case name wins, NO_PROXY has
 * hosts with their subdomains, addresses and networks, and loopback never goes through a proxy.
 */
import { BlockList, isIP } from 'node:net'
import { UsageError } from '../../errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

export class ProxyRules {
  readonly #https: string | undefined
  readonly #http: string | undefined
  readonly #never: readonly string[]
  readonly #networks = new BlockList()

  /** @throws UsageError for a variable that is not the address of a proxy. Does not show the value, which may hold a password. */
  constructor(env: Environment) {
    this.#https = proxyOf(env, 'https_proxy')
    this.#http = proxyOf(env, 'http_proxy')
    this.#never = (env.no_proxy || env.NO_PROXY || '')
      .toLowerCase()
      .split(/[\s,]+/)
      .filter((entry) => entry !== '')
    for (const entry of this.#never) this.#addNetwork(entry)
  }

  /** The URL of the proxy for an origin; undefined if requests go there directly. */
  for(origin: string): string | undefined {
    const { protocol, hostname, port } = new URL(origin)
    const proxy = protocol === 'https:' ? this.#https : this.#http
    if (proxy === undefined) return undefined
    const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
    const direct = this.#isDirect(host, port === '' ? (protocol === 'https:' ? '443' : '80') : port)
    return direct ? undefined : proxy
  }

  #addNetwork(entry: string): void {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address)
    const bits = Number(prefix)
    if (family === 0 || prefix === undefined || !(bits >= 0 && bits <= (family === 6 ? 128 : 32))) return
    this.#networks.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4')
  }

  #isDirect(host: string, port: string): boolean {
    if (host === 'localhost' || host.endsWith('.localhost') || /^127\./.test(host) || host === '::1') return true
    const family = isIP(host)
    if (family !== 0 && this.#networks.check(host, family === 6 ? 'ipv6' : 'ipv4')) return true
    return this.#never.some((entry) => {
      if (entry === '*') return true
      const [, name = '', ofPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? []
      if (ofPort !== undefined && ofPort !== port) return false
      const bare = name.replace(/^\*?\./, '')
      return bare !== '' && ((host === bare && bare === name) || host.endsWith(`.${bare}`))
    })
  }
}

function proxyOf(env: Environment, name: 'https_proxy' | 'http_proxy'): string | undefined {
  const text = env[name] || env[name.toUpperCase()] || ''
  if (text === '') return undefined
  const url = text.includes('://') ? text : `http://${text}`
  if (URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)) return url
  throw new UsageError(
    `environment variable ${name.toUpperCase()}: is not the address of a proxy; write http://HOST:PORT or https://HOST:PORT`,
  )
}
