import { type CalendarFormat, parseCalendarFormat } from './calendar-format.ts'
import { compareWholeNumbers, highest } from './highest.ts'
import type { Candidate, PolicyKind, VersionPolicy } from './policy.ts'

/** The latest date, compared number by number. */
class Calendar implements VersionPolicy {
  readonly wanted: string
  readonly #format: CalendarFormat

  constructor(format: string) {
    this.#format = parseCalendarFormat(format)
    this.wanted = `a date of the format ${format}`
  }

  choose(candidates: Iterable<Candidate>): Candidate | undefined {
    return highest(candidates, ({ value }) => this.#format.read(value), compareNumbers)
  }
}

function compareNumbers(one: readonly bigint[], other: readonly bigint[]): number {
  for (const [i, number] of one.entries()) {
    const difference = compareWholeNumbers(number, other[i] ?? -1n)
    if (difference !== 0) return difference
  }
  return 0
}

export const calendar: PolicyKind<'calendar'> = {
  needs: 'tags',
  make: ({ format }) => new Calendar(format),
  words: ({ format }) => `calendar ${format}`,
  best: 'the latest',
  identity: ({ format }) => [format],
  argument: 'FORMAT',
  fromLine: (format) => ({ format }),
}
