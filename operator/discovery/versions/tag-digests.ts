/** Remembers for a while where version tags point at, so that a search asks only about those that are new. */

import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { credentialId } from '../../registries/credentials/credential-id.ts'
import { Lru } from '../../registries/lru.ts'
import type { Access } from '../../registries/registry.ts'
import type { Clock } from '../../time/clock.ts'

const mostTags = 20_000
/** Version tags hardly ever move; for those that do, an hour. */
const lifetimeMs = 3_600_000

export interface RememberedTags {
  get(tag: string): Digest | undefined
  set(tag: string, digest: Digest): void
  delete(tag: string): void
}

export class TagDigests {
  readonly #clock: Clock
  readonly #known = new Lru<{ readonly digest: Digest; readonly until: number }>(mostTags)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Those of one repository. What one tenant's credentials have shown is not told to another's. */
  of(repository: Repository, { credentials }: Access): RememberedTags {
    const owner = `${repositoryName(repository)} ${credentialId(credentials)}`
    const keyOf = (tag: string) => `${owner} ${tag}`
    return {
      get: (tag) => {
        const known = this.#known.get(keyOf(tag))
        return known !== undefined && this.#clock.now() < known.until ? known.digest : undefined
      },
      set: (tag, digest) => {
        this.#known.set(keyOf(tag), { digest, until: this.#clock.now() + lifetimeMs })
      },
      delete: (tag) => this.#known.delete(keyOf(tag)),
    }
  }
}
