/** The hosts that the settings allow on loopback. */
import { isLoopbackName } from './addresses.ts'

export class LoopbackHosts {
  readonly #names: ReadonlySet<string>

  /**
   * Each `host` or `host:port`; without a port, all ports are meant.
   * @param insecure counts where the settings write out a loopback address, and not where a name only leads to one
   */
  constructor(loopback: readonly string[] = [], insecure: readonly string[] = []) {
    const written = insecure.map(partsOf).filter(({ hostname }) => isLoopbackName(hostname))
    this.#names = new Set([...loopback.map(partsOf), ...written].map(({ hostname, port }) => `${hostname}${port}`))
  }

  has(url: URL): boolean {
    const hostname = canonical(url.hostname)
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    return this.#names.has(hostname) || this.#names.has(`${hostname}:${port}`)
  }
}

function partsOf(name: string): { readonly hostname: string; readonly port: string } {
  const [port = ''] = /:\d+$/.exec(name) ?? []
  const host = `http://${name.slice(0, name.length - port.length)}`
  return { hostname: canonical(URL.canParse(host) ? new URL(host).hostname : name), port }
}

/** `URL` has made `0x7f.1` and `2130706433` the same already. */
const canonical = (hostname: string): string => hostname.replace(/\.$/, '')
