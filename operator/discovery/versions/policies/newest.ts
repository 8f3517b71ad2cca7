import { object } from '../../../api/schema.ts'
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

export const newest: PolicyKind<'newest', object> = {
  kind: 'newest',
  field: object(
    {},
    {
      description:
        'The tag that was pushed last: newest: {}. Only of registries that tell when a tag was pushed; the status says so where one does not.',
    },
  ),
  needs: 'push times',
  make: () => new Newest(),
  words: () => 'newest',
  best: 'the one that was pushed last',
  identity: () => [],
  fromLine: () => ({}),
}
