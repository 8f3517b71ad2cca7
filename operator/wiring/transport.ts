/** The transport to the registries, as the settings and the environment want it. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Settings } from '../config/settings.ts'
import { messageOf, UsageError } from '../errors.ts'
import type { Metrics } from '../http/metrics.ts'
import type { DockerLogins } from '../registries/credentials/docker-logins.ts'
import type { Mirror } from '../registries/mirror.ts'
import { AuthHosts } from '../registries/oci/auth/auth-hosts.ts'
import { ProxyRules } from '../registries/transport/proxies.ts'
import { defaultLimits } from '../registries/transport/rate-limit.ts'
import { Transport } from '../registries/transport/transport.ts'
import { version } from '../version.ts'

/** @throws UsageError for a proxy variable or a CA file that cannot be used */
export function openTransport(settings: Settings, metrics: Metrics | undefined): Transport {
  return new Transport({
    version: version.version,
    insecureRegistries: settings.insecureRegistries,
    authHosts: new AuthHosts(settings.authHosts),
    ca: readCa(settings),
    proxies: new ProxyRules(process.env),
    limits: { ...defaultLimits, requestsPerSecond: settings.registryRequestsPerSecond, burst: settings.registryBurst },
    ...(metrics === undefined
      ? {}
      : {
          onRequest: (host, purpose, outcome) => metrics.registryRequests.inc({ host, purpose, outcome }),
          onAllowance: (host, { limit, remaining }) => {
            metrics.registryAllowance.set({ host }, limit)
            metrics.registryRemaining.set({ host }, remaining)
          },
        }),
  })
}

/** `docker.io=mirror.example.com/hub`, by what is mirrored; of two for one registry the first counts. */
export function mirrorsOf({ mirrors }: Settings, read: () => Promise<DockerLogins>): ReadonlyMap<string, Mirror> {
  const byHost = new Map<string, Mirror>()
  let logins: Promise<DockerLogins> | undefined
  const credentials: Mirror['credentials'] = async (repository) => {
    logins ??= read()
    return await (await logins).for(repository)
  }
  for (const pair of mirrors) {
    const [mirrored = '', at = ''] = pair.split('=')
    const [host = '', ...path] = at.split('/')
    if (!byHost.has(mirrored)) byHost.set(mirrored, { host, prefix: path.join('/'), credentials })
  }
  return byHost
}

function readCa({ registryCaFile }: Settings): string | undefined {
  if (registryCaFile === '') return undefined
  try {
    const pem = readFileSync(registryCaFile, 'utf8')
    const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
    if (certificates.length === 0) throw new Error('there is no whole certificate in it')
    // OpenSSL passes over what it cannot read.
    for (const certificate of certificates) new X509Certificate(certificate)
    return pem
  } catch (cause) {
    throw new UsageError(
      `--registry-ca-file ${registryCaFile}: cannot be used as certificates in PEM (${messageOf(cause)})`,
      { cause },
    )
  }
}
