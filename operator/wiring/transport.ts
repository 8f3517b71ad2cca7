/** The transport to the registries, by the settings and the environment. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Settings } from '../config/settings.ts'
import { messageOf, UsageError } from '../errors.ts'
import type { Metrics } from '../http/metrics.ts'
import { AuthHosts } from '../registries/oci/auth/auth-hosts.ts'
import { defaultLimits } from '../registries/transport/host-queue.ts'
import { ProxyRules } from '../registries/transport/proxies.ts'
import { Transport } from '../registries/transport/transport.ts'
import { version } from '../version.ts'

/** @throws UsageError for a proxy variable or a CA file that cannot be used */
export function openTransport(settings: Settings, metrics: Metrics | undefined): Transport {
  return new Transport({
    version: version.version,
    insecureRegistries: settings.insecureRegistries,
    loopbackRegistries: settings.loopbackRegistries,
    authHosts: new AuthHosts(settings.authHosts),
    ca: readCa(settings),
    proxies: new ProxyRules(process.env),
    limits: {
      ...defaultLimits,
      // 0: the limit grows with the number of followed tags.
      requestsPerSecond: settings.registryRequestsPerSecond || undefined,
      burst: settings.registryBurst,
    },
    onRequest: (host, purpose, outcome) =>
      metrics?.registryRequests.inc({ host: metrics.hostLabel(host), purpose, outcome }),
    onUnfollowed: (host) => void metrics?.forgetHost(host),
    onAllowance: (of, { limit, remaining }) => {
      if (!metrics) return
      const host = metrics.hostLabel(of)
      metrics.registryAllowance.set({ host }, limit)
      metrics.registryRemaining.set({ host }, remaining)
    },
  })
}

/** Addresses that replace the public ones, by what they stand for. */
export const endpointsOf = ({ registryEndpoints }: Settings): Readonly<Record<string, string>> =>
  Object.fromEntries(registryEndpoints.map((pair) => pair.split('=')))

export function readCa({ registryCaFile }: Settings): string | undefined {
  if (registryCaFile === '') return undefined
  try {
    const pem = readFileSync(registryCaFile, 'utf8')
    const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
    if (certificates.length === 0) throw new Error('it holds no whole certificate')
    // OpenSSL skips what it cannot read.
    for (const certificate of certificates) new X509Certificate(certificate)
    return pem
  } catch (cause) {
    throw new UsageError(
      `--registry-ca-file ${registryCaFile}: cannot be used as certificates in PEM (${messageOf(cause)})`,
      { cause },
    )
  }
}
