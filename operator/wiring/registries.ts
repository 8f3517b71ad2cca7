import { readFile } from 'node:fs/promises'
import type { Settings } from '../config/settings.ts'
import { Poller } from '../discovery/polling/poller.ts'
import type { PollerOptions } from '../discovery/polling/poller-options.ts'
import { VersionFinder } from '../discovery/versions/version-finder.ts'
import { messageOf, UsageError } from '../errors.ts'
import type { Metrics } from '../http/metrics.ts'
import { DockerLogins } from '../registries/credentials/docker-logins.ts'
import { Registries } from '../registries/registries.ts'
import { systemClock } from '../time/clock.ts'
import { awsIdentityOf, endpointsOf } from './aws.ts'
import { mirrorsOf, openTransport } from './transport.ts'

export interface FollowedRegistries {
  readonly following: Poller
  close(): Promise<void>
}

/** Every registry, chosen by host, over one transport. Whoever opens it closes the transport. */
export function openRegistries(settings: Settings, metrics?: Metrics) {
  const transport = openTransport(settings, metrics)
  const registries = new Registries({
    transport,
    clock: systemClock,
    endpoints: endpointsOf(settings),
    aws: awsIdentityOf(settings),
    env: process.env,
    cloudIdentity: settings.cloudIdentity,
    googleWorkloadIdentity: settings.googleWorkloadIdentity,
    providers: new Map(settings.registryProviders.map((pair) => pair.split('=') as [string, string])),
    mirrors: mirrorsOf(settings, () => readDockerLogins(settings)),
  })
  return { registries, transport }
}

/** Everything between the controller and the registries. */
export function makeRegistries(
  settings: Settings,
  metrics: Metrics | undefined,
  told: Pick<PollerOptions, 'onChange' | 'onComing'>,
  provider?: string,
): FollowedRegistries {
  const { registries, transport } = openRegistries(settings, metrics)
  const following = new Poller({
    registryFor: (repository) => registries.for(repository, provider),
    versions: new VersionFinder(),
    ...told,
    pushPollFactor: settings.pushPollFactor,
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
export async function readDockerLogins({ dockerConfig }: Settings): Promise<DockerLogins> {
  if (dockerConfig === '') return new DockerLogins([])
  const text = await readFile(dockerConfig, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`--docker-config ${dockerConfig}: cannot be read (${messageOf(cause)})`, { cause })
  })
  return DockerLogins.parse(text, `the file ${dockerConfig}`)
}
