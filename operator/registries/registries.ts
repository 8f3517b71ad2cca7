import { NeedsChangeError } from '../errors.ts'
import { oci } from './oci.ts'
import type { Registry, Repository } from './registry.ts'
import type { RegistryDeps, RegistryKind } from './registry-kind.ts'

/**
 * Every kind of registry; the first that knows the host serves it, and `oci`, the last, serves all others. To add one
 * takes a file and a line here.
 */
export const registryKinds: readonly RegistryKind[] = [oci]

/** Chooses by the repository's host, parsed exactly and never by a substring (B02), unless a provider is named. */
export class Registries {
  readonly #deps: RegistryDeps
  readonly #made = new Map<string, Registry>()

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  /** @throws NeedsChangeError `RegistryHostMismatch` where the named provider does not serve that host */
  for({ host }: Repository, provider?: string): Registry {
    const kind = registryKinds.find((candidate) =>
      provider === undefined ? candidate.serves(host) : candidate.kind === provider,
    )
    if (!kind?.serves(host)) {
      throw new NeedsChangeError(
        'RegistryHostMismatch',
        `${host} is not a host of the provider ${provider}; leave --provider out, or name one of: ${registryKinds.map((each) => each.kind).join(', ')}`,
      )
    }
    const made = this.#made.get(kind.kind) ?? kind.make(this.#deps)
    this.#made.set(kind.kind, made)
    return made
  }
}
