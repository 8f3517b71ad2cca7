import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { type ApiError, isForbidden, isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import { AtMostEvery } from '../../time/at-most-every.ts'
import type { Clock } from '../../time/clock.ts'
import type { Credentials } from '../registry.ts'
import { credentialId } from './credential-id.ts'
import type { CredentialResolver } from './credential-resolver.ts'
import { type CredentialSource, sourceOf } from './credential-source.ts'
import { loginsFor } from './credentials.ts'
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
const warningGapMs = 3_600_000

interface Reading {
  readonly namespace: string
  readonly name: string
  /** By the spec, and not by a pod template or a service account. */
  readonly isNamed: boolean
}

/** What a secret has, or why it has nothing that can be used. */
interface ReadSecret {
  readonly logins: DockerConfig
  readonly fault?: NeedsChangeError
}

/**
 * Finds credentials as the kubelet does: in the pull secrets of the spec, or else of the workloads' pod templates. After a
 * refusal, the secrets of the service accounts are tried too of pods that name none. Secrets are read by name when they are
 * needed, and never listed or watched. A secret that cannot be used takes no other one away. `CredentialResolver` has what is
 * used when no secret fits.
 */
export class PullSecrets implements TargetCredentials {
  readonly #client: ApiClient
  readonly #resolver: CredentialResolver
  readonly #warn: (key: string, fault: NeedsChangeError) => void
  readonly #known = new Map<string, { readonly inputs: string; readonly credentials: CredentialSource }>()
  readonly #secrets: LRUCache<string, ReadSecret, Reading>
  /** By repository and credentials, so that what the registry accepted is known to all that use them. */
  readonly #sources = new LRUCache<string, CredentialSource>({ max: maxSecrets })
  readonly #warnings: AtMostEvery

  /** @param warn called once in an hour for a secret that a ContainerVersion cannot use; the message has nothing of it */
  constructor(
    client: ApiClient,
    clock: Clock,
    resolver: CredentialResolver,
    warn: (key: string, fault: NeedsChangeError) => void = () => undefined,
  ) {
    this.#client = client
    this.#resolver = resolver
    this.#warn = warn
    this.#warnings = new AtMostEvery(warningGapMs, clock)
    this.#secrets = new LRUCache<string, ReadSecret, Reading>({
      max: maxSecrets,
      ttl: cachedForMs,
      ttlResolution: 0,
      perf: clock,
      ignoreFetchAbort: true,
      fetchMethod: async (_key, _stale, { context, options: entry }) => {
        const read = await this.#read(context)
        // Somebody waits for what the spec names.
        if (context.isNamed && read.fault !== undefined) entry.ttl = 1
        return read
      },
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
    const names = usesSecrets ? [...new Set(named ?? ofPods())] : []
    const inputs = [repositoryName(repository), `as ${serviceAccountName ?? ''}`, ...names].join(' ')
    const known = this.#known.get(key)
    if (known?.inputs === inputs && !afresh) return known.credentials

    const others = named || !afresh || !usesSecrets ? [] : await this.#ofServiceAccounts(namespace, workloads)
    const read = await Promise.all(
      [...new Set([...names, ...others])].map((name) =>
        this.#secret({ namespace, name, isNamed: named !== undefined }, afresh),
      ),
    )
    const { found, faults } = this.#select(repository, read)
    // What the spec names has to work. What pods name may be for another registry, and the kubelet skips what is missing.
    const fault = faults.find(({ reason }) => named !== undefined || (afresh && reason !== missing))
    if (fault !== undefined && found.kind === 'anonymous') throw fault
    for (const each of faults) if (this.#warnings.isDue(`${key} ${each.message}`)) this.#warn(key, each)
    const credentials = await this.#resolver.resolve({
      repository,
      found,
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

  #select(repository: Repository, read: readonly ReadSecret[]) {
    const logins = loginsFor(
      repository,
      read.map((secret) => secret.logins),
    )
    const usable = new Map<string, Credentials>()
    const faults = read.flatMap(({ fault }) => fault ?? [])
    for (const { credentials } of logins) {
      if (credentials instanceof NeedsChangeError) faults.push(credentials)
      else if (!usable.has(credentialId(credentials))) usable.set(credentialId(credentials), credentials)
    }
    const id = [repositoryName(repository), ...usable.keys()].join(' ')
    const found = this.#sources.get(id) ?? sourceOf([...usable.values()])
    this.#sources.set(id, found)
    return { found, faults }
  }

  /** Kubernetes gives a pod those of its service account if it names none. */
  async #ofServiceAccounts(namespace: string, workloads: readonly PullSecretSource[]): Promise<readonly string[]> {
    const without = workloads.filter(({ imagePullSecrets }) => imagePullSecrets.length === 0)
    const accounts = new Set(without.map(({ serviceAccountName }) => serviceAccountName))
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
    return found.flat()
  }

  #secret(reading: Reading, afresh: boolean): Promise<ReadSecret> {
    const { namespace, name, isNamed } = reading
    return this.#secrets.forceFetch(`${namespace}/${name} ${isNamed}`, { context: reading, forceRefresh: afresh })
  }

  async #read({ namespace, name, isNamed }: Reading): Promise<ReadSecret> {
    try {
      const { data } = await this.#client.get<RawSecret>(resourcePath(secrets, { namespace, name }))
      return { logins: parsePullSecret({ namespace, name, data }) }
    } catch (thrown) {
      if (thrown instanceof NeedsChangeError) return { logins: [], fault: thrown }
      if (isNotFound(thrown)) return { logins: [], fault: notFound(namespace, name, isNamed) }
      if (isForbidden(thrown)) return { logins: [], fault: notReadable(thrown) }
      throw thrown
    }
  }
}

const missing = 'PullSecretNotFound'

const notFound = (namespace: string, name: string, isNamed: boolean): NeedsChangeError =>
  new NeedsChangeError(
    missing,
    `there is no Secret ${namespace}/${name}, which ${isNamed ? 'spec.imagePullSecrets' : 'a pod template or a service account'} names. Create it, or name another.`,
  )

const notReadable = ({ message }: ApiError): NeedsChangeError =>
  new NeedsChangeError('PullSecretNotReadable', `${message}.`)
