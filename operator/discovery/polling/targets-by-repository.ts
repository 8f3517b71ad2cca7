/** Which targets belong to a repository: a hint names the repository, and not who follows it. */
import { repositoryName } from '../../images/reference.ts'
import type { PushHint } from '../push/hint.ts'
import type { PolledTarget } from './polled-target.ts'

export class TargetsByRepository {
  /** Nearly every repository has one target, which needs no set. */
  readonly #targets = new Map<string, PolledTarget | Set<PolledTarget>>()

  add(target: PolledTarget): void {
    const name = repositoryName(target.repository)
    const known = this.#targets.get(name)
    if (known instanceof Set) known.add(target)
    else this.#targets.set(name, known === undefined ? target : new Set([known, target]))
  }

  remove(target: PolledTarget): void {
    const name = repositoryName(target.repository)
    const known = this.#targets.get(name)
    if (known instanceof Set) known.delete(target)
    if (known === target || (known instanceof Set && known.size === 0)) this.#targets.delete(name)
  }

  at({ repository, tag, below }: PushHint): PolledTarget[] {
    const name = repositoryName(repository)
    const found = this.#of(name)
    if (below === true) {
      for (const other of this.#targets.keys()) if (other.startsWith(`${name}/`)) found.push(...this.#of(other))
    }
    return found.filter((target) => target.isAbout(tag))
  }

  #of(name: string): PolledTarget[] {
    const known = this.#targets.get(name)
    if (known === undefined) return []
    return known instanceof Set ? [...known] : [known]
  }
}
