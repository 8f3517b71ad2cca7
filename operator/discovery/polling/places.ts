/** Which targets are followed of a repository: a hint names the repository, not those who follow it. */

import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import type { Followed } from './followed.ts'

/** What a hint is about. */
export interface Place {
  readonly repository: Repository
  /** Absent: any of its tags may have changed. Where a policy chooses among the tags, each tag is of interest. */
  readonly tag?: string | undefined
  /** What the tag points at by now, as the hint has it. It is not believed: it says what may be worth to be read ahead. */
  readonly digest?: Digest | undefined
  /** Also the repositories whose path goes on after a slash, as a GitLab project has them. */
  readonly below?: boolean | undefined
}

export class Places {
  /** Nearly every repository is followed by one tag, which needs no set. */
  readonly #followed = new Map<string, Followed | Set<Followed>>()

  add(followed: Followed): void {
    const name = repositoryName(followed.target.repository)
    const known = this.#followed.get(name)
    if (known instanceof Set) known.add(followed)
    else this.#followed.set(name, known === undefined ? followed : new Set([known, followed]))
  }

  remove(followed: Followed): void {
    const name = repositoryName(followed.target.repository)
    const known = this.#followed.get(name)
    if (known instanceof Set) known.delete(followed)
    if (known === followed || (known instanceof Set && known.size === 0)) this.#followed.delete(name)
  }

  has(repository: Repository): boolean {
    return this.#followed.has(repositoryName(repository))
  }

  at({ repository, tag, below }: Place): Followed[] {
    const name = repositoryName(repository)
    const found = this.#of(name)
    if (below === true) {
      for (const other of this.#followed.keys()) if (other.startsWith(`${name}/`)) found.push(...this.#of(other))
    }
    return tag === undefined ? found : found.filter(({ target }) => target.policy !== undefined || target.tag === tag)
  }

  #of(name: string): Followed[] {
    const known = this.#followed.get(name)
    if (known === undefined) return []
    return known instanceof Set ? [...known] : [known]
  }
}
