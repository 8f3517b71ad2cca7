/** Which targets belong to a repository: a hint names the repository, and not who follows it. */
import { repositoryName } from '../../images/reference.ts'
import type { PushHint } from '../push/hint.ts'
import type { PolledTarget } from './polled-target.ts'

export class TargetsByRepository {
  readonly #targets = new Map<string, readonly PolledTarget[]>()

  add(target: PolledTarget): void {
    const name = repositoryName(target.repository)
    this.#targets.set(name, [...this.#of(name), target])
  }

  remove(target: PolledTarget): void {
    const name = repositoryName(target.repository)
    const rest = this.#of(name).filter((other) => other !== target)
    if (rest.length > 0) this.#targets.set(name, rest)
    else this.#targets.delete(name)
  }

  at({ repository, tag, below }: PushHint): PolledTarget[] {
    const name = repositoryName(repository)
    const found = [...this.#of(name)]
    if (below === true) {
      for (const other of this.#targets.keys()) if (other.startsWith(`${name}/`)) found.push(...this.#of(other))
    }
    return found.filter((target) => target.isAbout(tag))
  }

  #of(name: string): readonly PolledTarget[] {
    return this.#targets.get(name) ?? []
  }
}
