import { highest } from './highest.ts'
import type { PolicyKind } from './policy.ts'

/** The tag that was pushed last, by the registry's clock. */
export const newest: PolicyKind<'newest'> = {
  needs: 'push times',
  make: () =>
    highest(
      'a tag whose push time the registry knows',
      ({ pushed }) => pushed,
      (one, other) => one - other,
    ),
  words: () => 'newest',
  best: 'the one that was pushed last',
  fromLine: () => ({}),
}
