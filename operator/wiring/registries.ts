import { readFile } from 'node:fs/promises'
import type { Settings } from '../config.ts'
import { messageOf, UsageError } from '../errors.ts'
import type { Metrics } from '../http/metrics.ts'
import { type DockerConfig, parseDockerConfig } from '../registries/docker-config.ts'
import { OciRegistry } from '../registries/oci.ts'
import { Poller } from '../registries/poller.ts'
import { defaultLimits } from '../registries/rate-limit.ts'
import type { Registry } from '../registries/registry.ts'
import { Transport } from '../registries/transport.ts'
import { version } from '../version.ts'
import { VersionFinder } from '../versions/version-finder.ts'

export interface Registries {
  readonly following: Poller
  close(): Promise<void>
}

/** Everything between the controller and the registries. */
export function makeRegistries(
  settings: Settings,
  metrics: Metrics | undefined,
  onChange: (key: string) => void,
): Registries {
  const transport = new Transport({
    version: version.version,
    insecureRegistries: settings.insecureRegistries,
    limits: { ...defaultLimits, requestsPerSecond: settings.registryRequestsPerSecond, burst: settings.registryBurst },
    ...(metrics
      ? { onRequest: (host, purpose, outcome) => metrics.registryRequests.inc({ host, purpose, outcome }) }
      : {}),
  })
  const registries: readonly Registry[] = [new OciRegistry(transport)]
  const [oci] = registries as readonly [Registry]
  const following = new Poller({
    registryFor: () => oci,
    versions: new VersionFinder(),
    onChange,
    ...(metrics ? { onLook: (host, outcome) => metrics.polls.inc({ host, outcome }) } : {}),
  })
  return {
    following,
    close: async () => {
      await following.stop()
      await transport.close()
    },
  }
}

/** @throws UsageError, NeedsChangeError: the file of `--docker-config` cannot be used */
export async function readDockerConfig({ dockerConfig }: Settings): Promise<DockerConfig> {
  if (dockerConfig === '') return []
  const text = await readFile(dockerConfig, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`--docker-config ${dockerConfig}: cannot be read (${messageOf(cause)})`, { cause })
  })
  return parseDockerConfig(text, `the file ${dockerConfig}`)
}
