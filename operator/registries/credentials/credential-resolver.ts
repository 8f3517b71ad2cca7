/** Decides which credentials are used for a repository, before any registry is asked. */
import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { abortable } from '../../time/abortable.ts'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import { anonymous, type Credentials } from '../registry.ts'
import type { Cloud, Issued } from './cloud.ts'
import { issuedBy } from './credential-id.ts'
import type { CredentialSource } from './credential-source.ts'
import type { DockerLogins } from './docker-logins.ts'
import { nameOfAccount, type ServiceAccount } from './service-account.ts'

export interface ResolverOptions {
  readonly cloudOf: (repository: Repository) => Cloud | undefined
  /** The Docker config file of whoever started cvmanager. */
  readonly logins: DockerLogins
  readonly clock?: Clock | undefined
}

export interface Wanted {
  readonly repository: Repository
  /** From a pull secret or a flag. */
  readonly found?: CredentialSource | undefined
  /** The one that the spec names: the credentials and the identity of this process are then not used. */
  readonly serviceAccount?: ServiceAccount | undefined
  /** The registry refused the last credentials: do not use what is cached. */
  readonly afresh?: boolean | undefined
}

interface Cached {
  readonly credentials: Credentials
  readonly at: number
}

const maxCached = 1_000
/** Bearer tokens that a registry makes out of credentials may live as long as those, so they are renewed early. */
const usedPart = 0.8
/** After a refusal, credentials that are younger than this are used all the same: many objects share them. */
const minAgeMs = 30_000

export class CredentialResolver {
  readonly #options: ResolverOptions
  readonly #clock: Clock
  /** Keyed by identity and host: no tenant gets what was issued to another. */
  readonly #issued: LRUCache<string, Cached, () => Promise<Issued>>

  constructor(options: ResolverOptions) {
    const { clock = monotonicClock } = options
    this.#options = options
    this.#clock = clock
    this.#issued = new LRUCache<string, Cached, () => Promise<Issued>>({
      max: maxCached,
      perf: clock,
      ttlResolution: 0,
      // Whoever waits for an entry gets it, even if it is evicted meanwhile.
      ignoreFetchAbort: true,
      fetchMethod: async (_key, _stale, { context: issue, options: entry }) => {
        const { credentials, lifetimeMs } = await issue()
        entry.ttl = Math.max(Math.floor(lifetimeMs * usedPart), 1)
        return { credentials, at: clock.now() }
      },
    })
  }

  /** Whether pull secrets can be of use there. */
  usesPullSecrets(repository: Repository): boolean {
    return this.#options.cloudOf(repository)?.ignoresPullSecrets !== true
  }

  /**
   * The pull secret, if there is one. Otherwise the service account, if the spec names one, and nothing of this process: a
   * tenant's account must not fall back to the manager's credentials. Otherwise the Docker config file with its credential
   * helpers, then the identity of this process.
   * @throws NeedsChangeError `ServiceAccountNotSupported`; TransientError `CredentialHelperFailed`
   */
  async resolve({ repository, found = anonymous, serviceAccount, afresh = false }: Wanted): Promise<CredentialSource> {
    const { host } = repository
    const cloud = this.#options.cloudOf(repository)
    if (found.kind !== 'anonymous' && !cloud?.ignoresPullSecrets) return found
    if (serviceAccount !== undefined) {
      if (cloud === undefined) throw notSupported(host, serviceAccount)
      const name = `${host} service account ${nameOfAccount(serviceAccount)}`
      return this.#issuedBy(name, () => cloud.issueFor(serviceAccount, host), afresh)
    }
    const written = cloud?.ignoresPullSecrets ? anonymous : await this.#options.logins.for(repository, afresh)
    const issueOwn = cloud?.issueOwn
    if (written.kind !== 'anonymous' || issueOwn === undefined) return written
    return this.#issuedBy(`${host} own identity`, () => issueOwn(host), afresh)
  }

  #issuedBy(name: string, issue: () => Promise<Issued>, afresh: boolean): CredentialSource {
    const cached = this.#issued.peek(name)
    if (afresh && cached !== undefined && this.#clock.now() - cached.at >= minAgeMs) this.#issued.delete(name)
    const current = async (signal: AbortSignal | undefined): Promise<Credentials> => {
      // One caller that is aborted must not end the request for the others, so the cache does not get the signal.
      const { credentials } = await abortable(this.#issued.forceFetch(name, { context: issue }), signal)
      return issuedBy(source, credentials)
    }
    const source: CredentialSource = { kind: 'issued', name, current }
    return source
  }
}

const notSupported = (host: string, account: ServiceAccount): NeedsChangeError =>
  new NeedsChangeError(
    'ServiceAccountNotSupported',
    `the registry ${host} cannot be asked in the name of the service account ${nameOfAccount(account)}: that is possible at Amazon ECR, Google and Azure. Leave spec.serviceAccountName out, or name a pull secret for ${host} in spec.imagePullSecrets.`,
  )
