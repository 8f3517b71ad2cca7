/** A registry that is asked with the platform's identity where there are no other credentials. */
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { RegistryRefusal } from '../failures.ts'
import type { OciRegistry } from '../oci/oci.ts'
import type { Access, Described, Labels, Registry, Tagged, Untagged } from '../registry.ts'
import type { CloudIdentity } from './cloud-identity.ts'

export class WithIdentity implements Registry {
  readonly kind: string
  readonly #inner: OciRegistry
  readonly #identity: CloudIdentity

  constructor(kind: string, inner: OciRegistry, identity: CloudIdentity) {
    this.kind = kind
    this.#inner = inner
    this.#identity = identity
  }

  resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    return this.#as(repository, access, (own) => this.#inner.resolve(repository, tag, own, known))
  }

  async *tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    const own = await this.#accessOf(repository, access)
    try {
      yield* this.#inner.tags(repository, own)
    } catch (error) {
      throw this.#explained(repository, access, own, error)
    }
  }

  labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    return this.#as(repository, access, (own) => this.#inner.labels(repository, digest, own))
  }

  describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    return this.#as(repository, access, (own) => this.#inner.describe(repository, digest, own))
  }

  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    return this.#as(repository, access, (own) => this.#inner.tag(repository, digest, tag, own))
  }

  untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return this.#as(repository, access, (own) => this.#inner.untag(repository, tag, own))
  }

  async #as<T>(repository: Repository, access: Access, ask: (own: Access) => Promise<T>): Promise<T> {
    const own = await this.#accessOf(repository, access)
    try {
      return await ask(own)
    } catch (error) {
      throw this.#explained(repository, access, own, error)
    }
  }

  async #accessOf(repository: Repository, access: Access): Promise<Access> {
    if (access.credentials.kind !== 'anonymous') return access
    const credentials = await this.#identity.credentials(repository, access.signal)
    return credentials === undefined ? access : { ...access, credentials }
  }

  #explained(repository: Repository, given: Access, own: Access, error: unknown): unknown {
    const refused = error instanceof NeedsChangeError && error.reason === 'RegistryAccessDenied'
    if (!refused || given.credentials.kind !== 'anonymous') return error
    const fault = error instanceof RegistryRefusal ? error.fault : error.message.replace(/\.$/, '')
    const had = own.credentials.kind !== 'anonymous'
    const story = had ? this.#identity.denied(repository) : this.#identity.story(repository)
    return new RegistryRefusal(
      error.reason,
      fault,
      `${story} Or name a pull secret for ${repository.host} in the workload's imagePullSecrets.`,
    )
  }
}
