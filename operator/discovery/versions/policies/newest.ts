import { highest } from './highest.ts'
import type { Candidate, PolicyKind, VersionPolicy } from './policy.ts'

/** What was pushed last, by the registry's clock. */
class Newest implements VersionPolicy {
  readonly wanted = 'a tag whose time of push the registry tells'

  choose(candidates: Iterable<Candidate>): Candidate | undefined {
    return highest(
      candidates,
      ({ pushed }) => pushed,
      (one, other) => one - other,
    )
  }
}

export const newest: PolicyKind<'newest'> = {
  needs: 'push times',
  make: () => new Newest(),
  words: () => 'newest',
  best: 'the one that was pushed last',
  identity: () => [],
  fromLine: () => ({}),
}
