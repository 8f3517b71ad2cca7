/** Remembers for a while where version tags point at, so that a search asks only about those that are new. */
import type { Clock } from '../clock.ts'
import { credentialId } from '../registries/credential-id.ts'
import { Lru } from '../registries/lru.ts'
import { repositoryName } from '../registries/reference.ts'
import type { Access, Digest, Repository } from '../registries/registry.ts'

const mostTags = 20_000
/** Version tags hardly ever move; for those that do, an hour. */
const lifetimeMs = 3_600_000

export class TagDigests {
  readonly #clock: Clock
  readonly #known = new Lru<{ readonly digest: Digest; readonly until: number }>(mostTags)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(repository: Repository, tag: string, { credentials }: Access): Digest | undefined {
    const known = this.#known.get(keyOf(repository, tag, credentialId(credentials)))
    return known !== undefined && this.#clock.now() < known.until ? known.digest : undefined
  }

  set(repository: Repository, tag: string, { credentials }: Access, digest: Digest): void {
    this.#known.set(keyOf(repository, tag, credentialId(credentials)), {
      digest,
      until: this.#clock.now() + lifetimeMs,
    })
  }

  delete(repository: Repository, tag: string, { credentials }: Access): void {
    this.#known.delete(keyOf(repository, tag, credentialId(credentials)))
  }
}

/** What one tenant's credentials have shown is not told to another's. */
const keyOf = (repository: Repository, tag: string, credentials: string): string =>
  `${repositoryName(repository)}:${tag} ${credentials}`
