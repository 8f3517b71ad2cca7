/**
 * Where tags point, by the word of webhooks: never believed, but where something is looked for, they say where to look
 * first. CI pushes an image under its version, and then moves the tag; so the hint of the one tells where the other leads.
 */

import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { Lru } from '../../registries/lru.ts'

const mostRepositories = 1_000
const mostTags = 8

export class Claims {
  readonly #claims = new Lru<readonly { readonly tag: string; readonly digest: Digest }[]>(mostRepositories)

  note(repository: Repository, tag: string, digest: Digest): void {
    const name = repositoryName(repository)
    const others = (this.#claims.get(name) ?? []).filter((claim) => claim.tag !== tag)
    this.#claims.set(name, [{ tag, digest }, ...others].slice(0, mostTags))
  }

  /** The last first. */
  tagsOf(repository: Repository, digest: Digest): string[] {
    const claims = this.#claims.get(repositoryName(repository)) ?? []
    return claims.filter((claim) => claim.digest === digest).map(({ tag }) => tag)
  }
}
