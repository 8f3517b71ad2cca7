/**
 * A registry that is asked as the manager, and in the name of tenants' service accounts. Each account has a registry of its
 * own: neither credentials nor what was gathered, remembered or throttled with them is ever another's.
 */

import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import { RegistryRefusal } from '../failures.ts'
import { Lru } from '../lru.ts'
import {
  type Access,
  anonymous,
  type Described,
  type Labels,
  type Registry,
  type Tagged,
  type Untagged,
} from '../registry.ts'
import type { RegistryDeps, RegistryKind } from '../registry-kind.ts'
import { credentialId } from './credential-id.ts'
import { nameOfAccount, type ServiceAccount } from './service-account.ts'

interface Made {
  readonly registry: Registry
  readonly account: ServiceAccount
  readonly at: number
}

const mostAccounts = 1_000
/** After that its annotations are read again; the clouds' credentials last about as long. */
const oldestMs = 3_600_000
/** What was refused is made anew no sooner: the account's annotations or its rights may have been mended. */
const refusedForMs = 30_000

type Ask<T> = (registry: Registry, access: Access) => T

export class ByServiceAccount implements Registry {
  readonly kind: string
  readonly batches: boolean
  readonly aliases?: NonNullable<Registry['aliases']>
  readonly pushTimes?: NonNullable<Registry['pushTimes']>
  readonly describe?: NonNullable<Registry['describe']>
  readonly wouldUntag?: NonNullable<Registry['wouldUntag']>
  readonly #kind: RegistryKind
  readonly #deps: RegistryDeps
  readonly #own: Registry
  readonly #clock: Clock
  readonly #made = new Lru<Made>(mostAccounts)

  constructor(kind: RegistryKind, deps: RegistryDeps, clock: Clock = monotonicClock) {
    this.kind = kind.kind
    this.#kind = kind
    this.#deps = deps
    this.#own = kind.make(deps)
    this.#clock = clock
    this.batches = this.#own.batches === true
    if (this.#own.aliases !== undefined) {
      this.aliases = (repository, digest, access) =>
        this.#as(repository, access, async (registry, as) => await registry.aliases?.(repository, digest, as))
    }
    if (this.#own.describe !== undefined) {
      this.describe = (repository, digest, access) =>
        this.#as(
          repository,
          access,
          async (registry, as) => (await registry.describe?.(repository, digest, as)) ?? unknown,
        )
    }
    if (this.#own.wouldUntag !== undefined) {
      this.wouldUntag = (repository, tag, access, before) =>
        this.#as(
          repository,
          access,
          async (registry, as) => (await registry.wouldUntag?.(repository, tag, as, before)) ?? 'removed',
        )
    }
    if (this.#own.pushTimes !== undefined) {
      this.pushTimes = (repository, access) =>
        this.#pages(repository, access, (registry, as) => registry.pushTimes?.(repository, as) ?? nothing())
    }
  }

  resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    return this.#as(repository, access, (registry, as) => registry.resolve(repository, tag, as, known))
  }

  tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    return this.#pages(repository, access, (registry, as) => registry.tags(repository, as))
  }

  labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    return this.#as(repository, access, (registry, as) => registry.labels(repository, digest, as))
  }

  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    return this.#as(repository, access, (registry, as) => registry.tag(repository, digest, tag, as))
  }

  untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return this.#as(repository, access, (registry, as) => registry.untag(repository, tag, as))
  }

  async #as<T>(repository: Repository, access: Access, ask: Ask<Promise<T>>): Promise<T> {
    const { credentials } = access
    if (credentials.kind !== 'service-account') return await ask(this.#own, access)
    const made = this.#madeFor(credentials, repository)
    try {
      return await ask(made.registry, { ...access, credentials: anonymous })
    } catch (error) {
      throw this.#refused(made, error)
    }
  }

  async *#pages<T>(repository: Repository, access: Access, ask: Ask<AsyncIterable<T>>): AsyncIterable<T> {
    const { credentials } = access
    if (credentials.kind !== 'service-account') return yield* ask(this.#own, access)
    const made = this.#madeFor(credentials, repository)
    try {
      yield* ask(made.registry, { ...access, credentials: anonymous })
    } catch (error) {
      throw this.#refused(made, error)
    }
  }

  #madeFor(account: ServiceAccount, { host }: Repository): Made {
    const { serviceAccounts } = this.#kind
    if (serviceAccounts === undefined) {
      throw new NeedsChangeError(
        'ServiceAccountNotSupported',
        `the registry ${host} cannot be asked in the name of the service account ${nameOfAccount(account)}: that is possible at Amazon ECR, Google and Azure. Leave spec.serviceAccountName out, or name a pull secret for ${host} in spec.imagePullSecrets.`,
      )
    }
    const id = credentialId(account)
    const now = this.#clock.now()
    const known = this.#made.get(id)
    if (known !== undefined && now - known.at < oldestMs) return known
    const made = { registry: serviceAccounts.make(this.#deps, account), account, at: now }
    this.#made.set(id, made)
    return made
  }

  #refused(made: Made, error: unknown): unknown {
    if (!(error instanceof NeedsChangeError) || error.reason !== 'RegistryAccessDenied') return error
    const id = credentialId(made.account)
    const isOld = this.#clock.now() - made.at >= refusedForMs
    if (isOld && this.#made.get(id) === made) this.#made.delete(id)
    const remedy = this.#kind.serviceAccounts?.remedy?.(made.account)
    if (remedy === undefined || !(error instanceof RegistryRefusal)) return error
    const whom = `It was asked in the name of the service account ${nameOfAccount(made.account)} (spec.serviceAccountName).`
    return new RegistryRefusal(error.reason, error.fault, `${whom} ${remedy}`)
  }
}

const unknown: Described = { mediaType: undefined, platforms: [] }

/** Both are of one kind: it cannot come to that. */
async function* nothing(): AsyncIterable<never> {
  yield* []
}
