import { parseCalendarFormat } from './calendar-format.ts'
import { compareWholeNumbers, highest } from './highest.ts'
import type { PolicyKind } from './policy.ts'

/** The latest date, compared number by number. */
export const calendar: PolicyKind<'calendar'> = {
  needs: 'tags',
  make: ({ format }) => {
    const numbersOf = parseCalendarFormat(format)
    return highest(`a date of the format ${format}`, ({ value }) => numbersOf(value), compareNumbers)
  },
  words: ({ format }) => `calendar ${format}`,
  best: 'the latest',
  argument: 'FORMAT',
  fromLine: (format) => ({ format }),
}

function compareNumbers(one: readonly bigint[], other: readonly bigint[]): number {
  for (const [i, number] of one.entries()) {
    const difference = compareWholeNumbers(number, other[i] ?? -1n)
    if (difference !== 0) return difference
  }
  return 0
}
