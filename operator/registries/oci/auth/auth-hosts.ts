/**
 * Which token services a registry may name. Its answer is not to be believed blindly: the realm in it gets the
 * credentials, and is asked from inside the cluster's network. So it is the same site, or one that the settings pair with
 * that registry.
 */
import { isIP } from 'node:net'
import type { Destination } from '../../transport/addresses.ts'

/** Registries of others' making that are known to have their tokens elsewhere. */
const wellKnown: readonly string[] = [
  // LinuxServer's name for its images at GitHub.
  'lscr.io=ghcr.io',
  'rg.fr-par.scw.cloud=api.scaleway.com',
  'rg.nl-ams.scw.cloud=api.scaleway.com',
  'rg.pl-waw.scw.cloud=api.scaleway.com',
]

/** Suffixes below which names belong to different people. Countries' second levels (`co.uk`) are told by their form. */
const shared = ['azurecr.io', 'pkg.dev', 'amazonaws.com', 'aliyuncs.com', 'local', 'internal', 'localhost', 'test']
const secondLevel = /^(?:ac|co|com|edu|go|gob|gov|mil|ne|net|or|org)\.[a-z]{2}$/

export class AuthHosts {
  readonly #pairs: ReadonlySet<string>

  /** @param pairs `REGISTRY=HOST`, each with or without a port */
  constructor(pairs: readonly string[] = []) {
    this.#pairs = new Set([...wellKnown, ...pairs.map((pair) => pair.toLowerCase())])
  }

  /**
   * How far the realm is trusted; undefined where it must not be asked at all.
   * @param registry its host as images name it
   * @param at where its API is
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

/** Whether two names belong to one owner, as far as names can tell. */
export function isSameSite(one: string, other: string): boolean {
  if (one === other) return true
  if (isIP(one.replace(/^\[|\]$/g, '')) !== 0 || isIP(other.replace(/^\[|\]$/g, '')) !== 0) return false
  const site = siteOf(one)
  return site !== undefined && (other === site || other.endsWith(`.${site}`))
}

/** Undefined for a name that shares its site with nobody. */
function siteOf(hostname: string): string | undefined {
  const labels = hostname.split('.')
  const parent = labels.slice(1).join('.')
  // A Service of Kubernetes: its namespace, and not the whole cluster.
  const service = labels.indexOf('svc')
  if (service >= 1) return labels.slice(service - 1).join('.')
  const suffix = shared.find((each) => hostname.endsWith(`.${each}`))
  if (suffix !== undefined) return parent === suffix ? undefined : parent
  const top = secondLevel.test(labels.slice(-2).join('.')) ? 2 : 1
  return labels.length > top ? labels.slice(-(top + 1)).join('.') : undefined
}
