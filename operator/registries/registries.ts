import { NeedsChangeError } from '../errors.ts'
import type { Repository } from '../images/reference.ts'
import { azure } from './azure/azure.ts'
import { ByServiceAccount } from './credentials/by-service-account.ts'
import { dockerHub } from './docker-hub/docker-hub.ts'
import { ecr } from './ecr/ecr.ts'
import { ghcr } from './ghcr/ghcr.ts'
import { google } from './google/google.ts'
import { harbor } from './harbor/harbor.ts'
import { type Mirror, MirroredRegistry } from './mirror.ts'
import { oci } from './oci/oci.ts'
import { quay } from './quay/quay.ts'
import type { Registry } from './registry.ts'
import type { RegistryDeps, RegistryKind } from './registry-kind.ts'

/**
 * Every kind of registry; the first that knows the host serves it, and `oci`, the last, serves all others. To add one
 * takes a file and a line here.
 */
export const registryKinds: readonly RegistryKind[] = [dockerHub, ghcr, quay, google, azure, ecr, harbor, oci]

/** Whether what a pull secret holds for that host is ever asked with. */
export const usesPullSecrets = ({ host }: Repository): boolean =>
  registryKinds.find(({ serves }) => serves(host))?.ignoresPullSecrets !== true

/** Chooses by the repository's host, parsed exactly and never by a substring (B02), unless a provider is named. */
export class Registries {
  readonly #deps: RegistryDeps
  readonly #made = new Map<string, Registry>()
  readonly #mirrors = new Map<string, Registry>()

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  /** @throws NeedsChangeError `RegistryHostMismatch` where the named provider does not serve that host */
  for({ host }: Repository, provider?: string): Registry {
    const kind = this.#kindOf(host, provider)
    if (kind === undefined) {
      throw new NeedsChangeError(
        'RegistryHostMismatch',
        `${host} is not a host of the provider ${provider}; leave --provider out, or name one of: ${registryKinds.map((each) => each.kind).join(', ')}`,
      )
    }
    const mirror = this.#deps.mirrors?.get(host)
    return mirror === undefined ? this.#of(kind) : this.#mirrored(host, kind, mirror)
  }

  #kindOf(host: string, named = this.#deps.providers?.get(host)): RegistryKind | undefined {
    if (named === undefined) return registryKinds.find(({ serves }) => serves(host))
    return registryKinds.find(
      ({ kind, serves, underAnyHost }) => kind === named && (underAnyHost === true || serves(host)),
    )
  }

  #of(kind: RegistryKind): Registry {
    const made = this.#made.get(kind.kind) ?? new ByServiceAccount(kind, this.#deps)
    this.#made.set(kind.kind, made)
    return made
  }

  #mirrored(host: string, kind: RegistryKind, mirror: Mirror): Registry {
    const key = `${kind.kind} ${host}`
    // A mirror is not mirrored in its turn: two of each other would never end.
    const at = this.#kindOf(mirror.host) ?? oci
    const made = this.#mirrors.get(key) ?? new MirroredRegistry(this.#of(kind), this.#of(at), mirror)
    this.#mirrors.set(key, made)
    return made
  }
}
