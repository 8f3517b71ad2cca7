/**
 * Which token services a registry may name. The realm in its answer gets the credentials, and is asked from inside the
 * cluster's network, so it must be at the same site or one that the settings pair with the registry.
 */
import { isIP } from 'node:net'
import type { Destination } from '../../transport/addresses.ts'

/** Public registries whose token service is at another site. */
const wellKnown: readonly string[] = [
  // LinuxServer's images at GitHub.
  'lscr.io=ghcr.io',
  'rg.fr-par.scw.cloud=api.scaleway.com',
  'rg.nl-ams.scw.cloud=api.scaleway.com',
  'rg.pl-waw.scw.cloud=api.scaleway.com',
]

/** Suffixes below which each name has another owner. `secondLevel` has those of countries, such as `co.uk`. */
const shared = ['azurecr.io', 'pkg.dev', 'amazonaws.com', 'aliyuncs.com', 'local', 'internal', 'localhost', 'test']
const secondLevel = /^(?:ac|co|com|edu|go|gob|gov|mil|ne|net|or|org)\.[a-z]{2}$/

export class AuthHosts {
  readonly #pairs: ReadonlySet<string>

  /** @param pairs `REGISTRY=HOST`, each with or without a port */
  constructor(pairs: readonly string[] = []) {
    this.#pairs = new Set([...wellKnown, ...pairs.map((pair) => pair.toLowerCase())])
  }

  /**
   * How far the realm is trusted; `undefined` if it must not be asked at all.
   * @param registry the host in images' names
   * @param at the address of its API
   */
  trust(registry: string, at: URL, realm: URL): Destination | undefined {
    if (realm.hostname === at.hostname) return 'configured'
    const names = [registry.toLowerCase(), registry.toLowerCase().replace(/:\d+$/, '')]
    const paired = names.some((name) =>
      [realm.host, realm.hostname].some((host) => this.#pairs.has(`${name}=${host.toLowerCase()}`)),
    )
    if (paired) return 'configured'
    return isSameSite(at.hostname, realm.hostname) ? 'answered' : undefined
  }
}

/** Whether two names belong to one owner, judged by the names alone. */
export function isSameSite(one: string, other: string): boolean {
  if (one === other) return true
  if (isIP(one.replace(/^\[|\]$/g, '')) !== 0 || isIP(other.replace(/^\[|\]$/g, '')) !== 0) return false
  const site = siteOf(one)
  return site !== undefined && (other === site || other.endsWith(`.${site}`))
}

/** `undefined` for a name that shares its site with no other. */
function siteOf(hostname: string): string | undefined {
  const labels = hostname.split('.')
  const parent = labels.slice(1).join('.')
  // For a Service of Kubernetes: its namespace, not the whole cluster.
  const service = labels.indexOf('svc')
  if (service >= 1) return labels.slice(service - 1).join('.')
  const suffix = shared.find((each) => hostname.endsWith(`.${each}`))
  if (suffix !== undefined) return parent === suffix ? undefined : parent
  const top = secondLevel.test(labels.slice(-2).join('.')) ? 2 : 1
  return labels.length > top ? labels.slice(-(top + 1)).join('.') : undefined
}
