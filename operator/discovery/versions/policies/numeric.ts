import { compareWholeNumbers, highest } from './highest.ts'
import type { PolicyKind, VersionPolicy } from './policy.ts'

const wholeNumber = /^[0-9]+$/

/** The largest whole number, of any length: `10` after `9`, `007` as `7`. */
class Numeric implements VersionPolicy {
  readonly wanted = 'a whole number'

  choose(candidates: Parameters<VersionPolicy['choose']>[0]) {
    return highest(
      candidates,
      ({ value }) => (wholeNumber.test(value) ? BigInt(value) : undefined),
      compareWholeNumbers,
    )
  }
}

export const numeric: PolicyKind<'numeric'> = {
  needs: 'tags',
  make: () => new Numeric(),
  words: () => 'numeric',
  best: 'the largest',
  identity: () => [],
  fromLine: () => ({}),
}
