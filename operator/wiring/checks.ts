/** What checks read with, by the settings. */
import type { Settings } from '../config/settings.ts'
import { NeedsChangeError } from '../errors.ts'
import { repositoryName } from '../images/reference.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { withCredentials } from '../registries/credentials/credential-source.ts'
import { PullSecrets } from '../registries/credentials/pull-secrets.ts'
import { ProxyRules } from '../registries/transport/proxies.ts'
import { requestSeconds } from '../rollouts/verifiers/case.ts'
import { Requests } from '../rollouts/verifiers/requests.ts'
import { Tallies } from '../rollouts/verifiers/tallies.ts'
import type { ImageDigests, Sources } from '../rollouts/verifiers/verifier.ts'
import { monotonicClock } from '../time/timing.ts'
import { version } from '../version.ts'
import type { OpenRegistries } from './registries.ts'
import { readCa } from './transport.ts'

export function checkSources(settings: Settings, client: ApiClient, open: OpenRegistries): Sources {
  const requests = new Requests({
    version: version.version,
    hosts: settings.httpCheckHosts,
    ca: readCa(settings),
    proxies: new ProxyRules(process.env),
    timeoutMs: requestSeconds * 1000,
  })
  const limits = { cpu: settings.checkCpuLimit, memory: settings.checkMemoryLimit }
  return { client, images: imageDigests(client, open), requests, measurements: new Tallies(), limits }
}

/**
 * The image of a check has a repository of its own, whose host chooses the registry, and for which the same chain of
 * credentials is asked as for any other (B10): neither `--provider` nor credentials of the command line are about it.
 */
export function imageDigests(client: ApiClient, { registries, resolverFor }: OpenRegistries): ImageDigests {
  const secrets = new PullSecrets(client, monotonicClock, resolverFor())
  return {
    digestOf: async (owner, workloads, repository, tag) => {
      // One object may have checks with several repositories.
      const key = `${owner.key} ${repositoryName(repository)}`
      const resolve = async (afresh: boolean) => {
        const source = await secrets.credentials({ ...owner, key }, workloads, repository, afresh)
        return await withCredentials(source, undefined, (credentials) =>
          registries.for(repository).resolve(repository, tag, { credentials, urgent: true }),
        )
      }
      try {
        return await resolve(false).catch((thrown: unknown) => {
          if (!(thrown instanceof NeedsChangeError && thrown.reason === 'RegistryAccessDenied')) throw thrown
          return resolve(true)
        })
      } finally {
        secrets.forget(key)
      }
    },
  }
}
