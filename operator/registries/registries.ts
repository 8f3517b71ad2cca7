import { NeedsChangeError } from '../errors.ts'
import type { Repository } from '../images/reference.ts'
import { azure } from './azure/azure.ts'
import type { Cloud } from './credentials/cloud.ts'
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
 * Every kind of registry. The first that knows the host serves it; `oci`, the last, serves all others. Adding a kind takes
 * one file and one line here.
 */
export const registryKinds: readonly RegistryKind[] = [dockerHub, ghcr, quay, google, azure, ecr, harbor, oci]

export interface RegistriesOptions extends RegistryDeps {
  /** The name of the kind, by host, for hosts whose name does not show it. */
  readonly providers?: ReadonlyMap<string, string> | undefined
  /** By the host of the mirrored registry. */
  readonly mirrors?: ReadonlyMap<string, Mirror> | undefined
}

/** Chooses by the repository's host, parsed exactly and never by a substring (B02), unless a provider is named. */
export class Registries {
  readonly #options: RegistriesOptions
  readonly #made = new Map<string, Registry>()
  readonly #mirrored = new Map<string, Registry>()
  readonly #clouds = new Map<string, Cloud>()

  constructor(options: RegistriesOptions) {
    this.#options = options
  }

  /** @throws NeedsChangeError `RegistryHostMismatch` if the named provider does not serve that host */
  for({ host }: Repository, provider?: string): Registry {
    const kind = this.#kindOf(host, provider)
    if (kind === undefined) {
      throw new NeedsChangeError(
        'RegistryHostMismatch',
        `${host} is not a host of the provider ${provider}; leave --provider out, or name one of: ${registryKinds.map((each) => each.kind).join(', ')}`,
      )
    }
    const { mirrors, clock } = this.#options
    const mirror = mirrors?.get(host)
    if (mirror === undefined) return this.#registryOf(kind)
    // A mirror has no mirror of its own: two that mirror each other would never end.
    const at = this.#registryOf(this.#kindOf(mirror.host) ?? oci)
    const make = () => new MirroredRegistry(this.#registryOf(kind), at, mirror, clock)
    return once(this.#mirrored, `${kind.kind} ${host}`, make)
  }

  /** Which cloud issues credentials for the repository. */
  cloudOf({ host }: Repository, provider?: string): Cloud | undefined {
    const kind = this.#kindOf(host, provider)
    const make = kind?.makeCloud
    return kind && make && once(this.#clouds, kind.kind, () => make(this.#options))
  }

  #kindOf(host: string, named = this.#options.providers?.get(host)): RegistryKind | undefined {
    if (named === undefined) return registryKinds.find(({ serves }) => serves(host))
    return registryKinds.find(
      ({ kind, serves, servesAnyHost }) => kind === named && (servesAnyHost === true || serves(host)),
    )
  }

  #registryOf(kind: RegistryKind): Registry {
    return once(this.#made, kind.kind, () => kind.make(this.#options))
  }
}

function once<T>(known: Map<string, T>, key: string, make: () => T): T {
  const made = known.get(key) ?? make()
  known.set(key, made)
  return made
}
