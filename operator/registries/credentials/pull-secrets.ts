import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { isForbidden, isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import type { Clock } from '../../time/clock.ts'
import type { CredentialResolver } from './credential-resolver.ts'
import type { CredentialSource } from './credential-source.ts'
import { credentialsFor } from './credentials.ts'
import { type DockerConfig, parsePullSecret } from './docker-config.ts'
import { serviceAccountOf, serviceAccounts } from './service-account.ts'

const secrets = { group: '', version: 'v1', plural: 'secrets' } as const

/** A ContainerVersion, as far as its credentials depend on it. */
export interface CredentialOwner {
  readonly key: string
  readonly namespace: string
  readonly spec: {
    readonly imagePullSecrets?: readonly { readonly name: string }[] | undefined
    readonly serviceAccountName?: string | undefined
  }
}

/** A workload, as far as it names pull secrets. */
export interface PullSecretSource {
  readonly imagePullSecrets: readonly string[]
  readonly serviceAccountName: string
}

/** Where a ContainerVersion's credentials come from. */
export interface TargetCredentials {
  /**
   * @param afresh the registry has refused the last ones, so nothing cached is used
   * @throws NeedsChangeError `PullSecretInvalid`, …
   */
  credentials(
    owner: CredentialOwner,
    workloads: readonly PullSecretSource[],
    repository: Repository,
    afresh: boolean,
  ): Promise<CredentialSource>
  forget(key: string): void
}

interface RawSecret {
  readonly data?: Readonly<Record<string, string>>
}

interface RawServiceAccount {
  readonly imagePullSecrets?: readonly { readonly name?: string }[]
}

/** Many ContainerVersions share a secret. */
const cachedForMs = 60_000
const maxSecrets = 1_000

interface Reading {
  readonly namespace: string
  readonly name: string
  /** The spec names the secret, so it is an error if it is missing or unreadable. */
  readonly isNamed: boolean
  readonly afresh: boolean
}

/**
 * Finds credentials as the kubelet does: in the pull secrets of the spec, or else of the workloads' pod templates. After a
 * refusal, the secrets of the pods' service accounts are tried too. Secrets are read by name when they are needed, and never
 * listed or watched. `CredentialResolver` has what is used when no secret fits.
 */
export class PullSecrets implements TargetCredentials {
  readonly #client: ApiClient
  readonly #resolver: CredentialResolver
  readonly #known = new Map<string, { readonly inputs: string; readonly credentials: CredentialSource }>()
  readonly #secrets: LRUCache<string, DockerConfig, Reading>

  constructor(client: ApiClient, clock: Clock, resolver: CredentialResolver) {
    this.#client = client
    this.#resolver = resolver
    this.#secrets = new LRUCache<string, DockerConfig, Reading>({
      max: maxSecrets,
      ttl: cachedForMs,
      ttlResolution: 0,
      perf: clock,
      ignoreFetchAbort: true,
      fetchMethod: async (_key, _stale, { context }) => await this.#read(context),
    })
  }

  async credentials(
    owner: CredentialOwner,
    workloads: readonly PullSecretSource[],
    repository: Repository,
    afresh: boolean,
  ): Promise<CredentialSource> {
    const { key, namespace, spec } = owner
    const { serviceAccountName } = spec
    const usesSecrets = this.#resolver.usesPullSecrets(repository)
    const named = spec.imagePullSecrets?.map(({ name }) => name)
    const ofPods = () => workloads.flatMap(({ imagePullSecrets }) => imagePullSecrets)
    const names = usesSecrets ? [...new Set(named ?? ofPods())].sort() : []
    const inputs = [repositoryName(repository), `as ${serviceAccountName ?? ''}`, ...names].join(' ')
    const known = this.#known.get(key)
    if (known?.inputs === inputs && !afresh) return known.credentials

    const others = named || !afresh || !usesSecrets ? [] : await this.#ofServiceAccounts(namespace, workloads)
    const configs = await Promise.all(
      [...names, ...others].map((name) => this.#secret({ namespace, name, isNamed: named !== undefined, afresh })),
    )
    const credentials = await this.#resolver.resolve({
      repository,
      found: credentialsFor(repository, configs),
      serviceAccount:
        serviceAccountName === undefined ? undefined : serviceAccountOf(this.#client, namespace, serviceAccountName),
      afresh,
    })
    this.#known.set(key, { inputs, credentials })
    return credentials
  }

  forget(key: string): void {
    this.#known.delete(key)
  }

  async #ofServiceAccounts(namespace: string, workloads: readonly PullSecretSource[]): Promise<readonly string[]> {
    const accounts = new Set(workloads.map(({ serviceAccountName }) => serviceAccountName))
    const found = await Promise.all(
      [...accounts].map(async (name) => {
        try {
          const account = await this.#client.get<RawServiceAccount>(resourcePath(serviceAccounts, { namespace, name }))
          return (account.imagePullSecrets ?? []).flatMap((secret) => secret.name ?? [])
        } catch (thrown) {
          if (isNotFound(thrown) || isForbidden(thrown)) return []
          throw thrown
        }
      }),
    )
    return [...new Set(found.flat())].sort()
  }

  #secret(reading: Reading): Promise<DockerConfig> {
    const { namespace, name, isNamed, afresh } = reading
    return this.#secrets.forceFetch(`${namespace}/${name} ${isNamed}`, { context: reading, forceRefresh: afresh })
  }

  /** Empty for a secret that the kubelet would skip too. */
  async #read({ namespace, name, isNamed, afresh }: Reading): Promise<DockerConfig> {
    try {
      const { data } = await this.#client.get<RawSecret>(resourcePath(secrets, { namespace, name }))
      return parsePullSecret({ namespace, name, data })
    } catch (thrown) {
      if (isNotFound(thrown) && isNamed) {
        throw new NeedsChangeError(
          'PullSecretNotFound',
          `there is no Secret ${namespace}/${name}, which spec.imagePullSecrets names. Create it, or name another.`,
        )
      }
      if (isForbidden(thrown) && (isNamed || afresh)) {
        throw new NeedsChangeError(
          'PullSecretNotReadable',
          `cvmanager may not read the pull secret ${namespace}/${name}. Grant its service account the verb get on secrets in namespace ${namespace}.`,
        )
      }
      if (isNotFound(thrown) || isForbidden(thrown)) return []
      throw thrown
    }
  }
}
