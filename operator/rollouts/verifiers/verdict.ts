import { type Case, ended, untilOf, waiting } from './case.ts'
import { podVerdict } from './pod-verdict.ts'
import { tallyVerdict } from './tally-verdict.ts'
import type { Sight, Verdict } from './verifier.ts'

/** What becomes of a check by what was seen of it. Pure, and the same for every kind. */
export function verdictOf(given: Case, sight: Sight): Verdict {
  switch (sight.sight) {
    case 'pod':
      return podVerdict(given, sight)
    case 'tally':
      return tallyVerdict(given, sight)
    case 'unavailable':
      return ended(given, 'Error', sight.message)
    case 'waiting':
      return given.now < untilOf(given)
        ? waiting(given, sight.message)
        : ended(given, 'Error', `at its timeout, ${sight.message}`)
  }
}
