import { compareWholeNumbers, highest } from './highest.ts'
import type { PolicyKind } from './policy.ts'

const wholeNumber = /^[0-9]+$/

/** The largest whole number, of any length: `10` after `9`, `007` as `7`. */
export const numeric: PolicyKind<'numeric'> = {
  needs: 'tags',
  make: () =>
    highest(
      'a whole number',
      ({ value }) => (wholeNumber.test(value) ? BigInt(value) : undefined),
      compareWholeNumbers,
    ),
  words: () => 'numeric',
  best: 'the largest',
  fromLine: () => ({}),
}
