/** What becomes of a check that measures. */
import { timestamp } from '../../time/clock.ts'
import { type Case, ended, intervalMsOf, untilOf } from './case.ts'
import type { Tally, Verdict } from './verifier.ts'

/** A bad measurement is written at once. Good ones are counted in memory meanwhile: after a restart some are taken again. */
const writeEveryMs = 15_000

export function tallyVerdict(given: Case, { good, bad, measuredAt, message }: Tally): Verdict {
  const { check, status, now } = given
  const { count = 1, failureLimit = 0 } = check
  const passes = (status.passes ?? 0) + good
  const failures = (status.failures ?? 0) + bad
  const taken = passes + failures
  const counted: Case = { ...given, status: { ...status, passes, failures, measuredTime: timestamp(measuredAt) } }
  const said = message ?? status.message
  if (failures > failureLimit) {
    const most = failureLimit > 0 ? `; ${failureLimit} may be` : ''
    return ended(
      counted,
      'Failed',
      `${failures} of ${taken} measurements ${failures === 1 ? 'was' : 'were'} bad${most}: ${said}`,
    )
  }
  if (taken >= count) return ended(counted, 'Passed')
  const until = untilOf(given)
  if (now >= until) {
    const words = `it has taken only ${taken} of ${count} measurements by its timeout; raise its timeoutSeconds`
    return ended(counted, 'Error', words)
  }
  const isDue = bad > 0 || measuredAt - Date.parse(status.measuredTime ?? status.since ?? '') >= writeEveryMs
  const withMessage = bad > 0 && message !== undefined ? { ...counted.status, message } : counted.status
  return {
    status: isDue ? withMessage : status,
    changes: [],
    lookAgainAt: Math.min(until, measuredAt + intervalMsOf(check)),
  }
}
