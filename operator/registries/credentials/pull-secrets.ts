import type { ContainerVersion } from '../../api/container-version.ts'
import type { CredentialSource } from '../../controller/reconciler.ts'
import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { isForbidden, isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import type { WorkloadObject } from '../../rollouts/workloads/workload.ts'
import type { Clock } from '../../time/clock.ts'
import { usesPullSecrets } from '../registries.ts'
import type { Credentials } from '../registry.ts'
import { credentialsFor } from './credentials.ts'
import { type DockerConfig, parsePullSecret } from './docker-config.ts'
import type { DockerLogins } from './docker-logins.ts'
import { serviceAccountOf, serviceAccounts } from './service-account-tokens.ts'

const secrets = { group: '', version: 'v1', plural: 'secrets' } as const

interface RawSecret {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

interface RawServiceAccount {
  readonly imagePullSecrets?: readonly { readonly name?: string }[]
}

/** Many ContainerVersions share a secret: it is read once for all those that come within this time. */
const sharedMs = 60_000
const secretsShared = 1_000

/**
 * Credentials as the kubelet would find them: the pull secrets of the spec, or of the workloads' pod templates; of their
 * service accounts too where the registry refused without; else the identity of the service account that the spec names, or,
 * where it names none, those of the manager's Docker config file. Secrets are read by name, when they are needed, and never
 * listed or watched.
 */
export class PullSecrets implements CredentialSource {
  readonly #client: ApiClient
  readonly #clock: Clock
  readonly #own: DockerLogins
  readonly #known = new Map<string, { readonly sources: string; readonly credentials: Credentials }>()
  readonly #secrets = new Map<string, { readonly config: Promise<DockerConfig | undefined>; readonly readAt: number }>()

  /** @param own the manager's own, for registries that no pull secret opens */
  constructor(client: ApiClient, clock: Clock, own: DockerLogins) {
    this.#client = client
    this.#clock = clock
    this.#own = own
  }

  async credentials(
    object: ContainerVersion,
    workloads: readonly WorkloadObject[],
    repository: Repository,
    afresh: boolean,
  ): Promise<Credentials> {
    const { key, namespace, spec } = object
    const { serviceAccountName } = spec
    // A secret that opens nothing would lead to the manager's own identity.
    const mayUseSecrets = serviceAccountName === undefined || usesPullSecrets(repository)
    const named = spec.imagePullSecrets?.map(({ name }) => name)
    const ofPods = () => workloads.flatMap(({ imagePullSecrets }) => imagePullSecrets)
    const names = mayUseSecrets ? [...new Set(named ?? ofPods())].sort() : []
    const sources = [repositoryName(repository), `as ${serviceAccountName ?? ''}`, ...names].join(' ')
    const known = this.#known.get(key)
    if (known?.sources === sources && !afresh) return known.credentials

    const accounts = named || !afresh || !mayUseSecrets ? [] : await this.#ofServiceAccounts(namespace, workloads)
    const configs = await Promise.all(
      [...names, ...accounts].map((name) => this.#read(namespace, name, { mustBe: named !== undefined, afresh })),
    )
    const found = credentialsFor(
      repository,
      configs.filter((config) => config !== undefined),
    )
    const others = () =>
      serviceAccountName === undefined
        ? this.#own.for(repository, afresh)
        : serviceAccountOf(this.#client, namespace, serviceAccountName)
    const credentials = found.kind === 'anonymous' ? await others() : found
    this.#known.set(key, { sources, credentials })
    return credentials
  }

  forget(key: string): void {
    this.#known.delete(key)
  }

  async #ofServiceAccounts(namespace: string, workloads: readonly WorkloadObject[]): Promise<readonly string[]> {
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

  /** @returns undefined for a secret that the kubelet, too, would pass over */
  #read(
    namespace: string,
    name: string,
    { mustBe, afresh }: { readonly mustBe: boolean; readonly afresh: boolean },
  ): Promise<DockerConfig | undefined> {
    const id = `${namespace}/${name} ${mustBe}`
    const shared = this.#secrets.get(id)
    const now = this.#clock.now()
    if (shared && !afresh && now - shared.readAt < sharedMs) return shared.config
    const config = this.#get(namespace, name, mustBe || afresh, mustBe)
    // The oldest goes: insertion order is the order of reading.
    this.#secrets.delete(id)
    this.#secrets.set(id, { config, readAt: now })
    for (const oldest of this.#secrets.keys()) {
      if (this.#secrets.size <= secretsShared) break
      this.#secrets.delete(oldest)
    }
    config.catch(() => this.#secrets.delete(id))
    return config
  }

  async #get(namespace: string, name: string, mustRead: boolean, mustBe: boolean): Promise<DockerConfig | undefined> {
    try {
      const { type, data } = await this.#client.get<RawSecret>(resourcePath(secrets, { namespace, name }))
      return parsePullSecret({ namespace, name, type, data })
    } catch (thrown) {
      if (isNotFound(thrown) && mustBe) {
        throw new NeedsChangeError(
          'PullSecretNotFound',
          `there is no Secret ${namespace}/${name}, which spec.imagePullSecrets names. Create it, or name another.`,
        )
      }
      if (isForbidden(thrown) && mustRead) {
        throw new NeedsChangeError(
          'PullSecretNotReadable',
          `cvmanager may not read the pull secret ${namespace}/${name}. Grant its service account the verb get on secrets in namespace ${namespace}.`,
        )
      }
      if (isNotFound(thrown) || isForbidden(thrown)) return undefined
      throw thrown
    }
  }
}
