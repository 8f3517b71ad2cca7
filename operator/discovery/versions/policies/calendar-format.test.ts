import fc from 'fast-check'
import t from 'tap'
import { type DateReader, parseCalendarFormat } from './calendar-format.ts'
import { tagPolicy } from './choosing.ts'

const latest = async (format: string, ...tags: readonly string[]) =>
  (await tagPolicy({ calendar: { format } }).choose(new Map(tags.map((tag) => [tag, undefined])))).tag

t.test('dates are compared number by number', async (t) => {
  t.equal(await latest('YYYY.MM.DD-MICRO', '2026.1.9-3', '2026.1.10-1', '2025.12.31-99', 'latest'), '2026.1.10-1')
  t.equal(await latest('YYYY.MM.DD-micro', '2026.01.10-9', '2026.01.10-10'), '2026.01.10-10')
  t.equal(await latest('YYYYMMDDhhmmss', '20260102030405', '20260102030406', '2026010203040'), '20260102030406')
  t.equal(await latest('vYY.0M', 'v25.12', 'v26.01', 'v26.1'), 'v26.01')
  t.equal(await latest('YYYYWW.MAJOR', '202601.4', '202553.11'), '202601.4')
  t.equal(await latest('YYYYMMDDThhmm', '20260102T0304', '20260102T2304'), '20260102T2304')
})

t.test('greater units are compared first, wherever they stand; counters where they stand', async (t) => {
  t.equal(await latest('DD.MM.YYYY', '31.01.2025', '01.02.2025', '15.12.2024'), '01.02.2025')
  t.equal(await latest('MAJOR.DD.MM.YYYY', '1.31.12.2026', '2.01.01.2024'), '2.01.01.2024')
})

t.test('a missing part in brackets is less than any number', async (t) => {
  t.equal(await latest('YYYY.MM.DD[-MICRO]', '2026.01.02', '2026.01.02-0', '2026.01.01-7'), '2026.01.02-0')
  t.equal(await latest('YYYY.MM.DD[-MICRO]', '2026.01.02', '2026.01.01-7'), '2026.01.02')
})

t.test('a tag with another format, or without a valid date, does not count', async (t) => {
  const read = parseCalendarFormat('YYYY.MM.DD')
  for (const tag of [
    '2026.13.01',
    '2026.00.01',
    '2026.1.32',
    '26.01.01',
    '2026.01',
    '2026.01.01-rc1',
    '2026-01-01',
    '',
  ])
    t.equal(read(tag), undefined, tag)
  t.ok(read('2026.1.1'))
  t.same(read('2026.01.01'), read('2026.1.1'))
  t.equal(parseCalendarFormat('YYYY.0M')('2026.1'), undefined)
})

t.test('an invalid format is refused with the character and what to write', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['YYYY.M.D', /"YYYY\.M\.D" cannot be used: "M" at character 6\. Use the parts YYYY, YY, MM/],
    ['YYYY MM', /" " at character 5/],
    ['release-YYYY', /"r" at character 1/],
    ['...', /no part of a date at character 1/],
    ['YYYY[.MM', /a \[ without its \] at character 5/],
    ['YYYY.MM]', /a \] without its \[ at character 8/],
    ['YYYY[.MM].DD', /more after the \] at character 10/],
    ['YYYY[.MM][.DD]', /a second \[ at character 10/],
    ['YYYY[.]', /a \[ \] without a number in it at character 5/],
    ['MAJORMINOR', /MAJOR, which another number follows without a separator, at character 1/],
    ['MICROYYYY', /MICRO, which another number/],
  ]
  for (const [format, message] of cases)
    t.throws(() => parseCalendarFormat(format), { reason: 'VersionPolicyInvalid', message }, format)
})

t.test('no format and no tag cause a crash or take long', async () => {
  const format = fc.array(fc.constantFrom('YYYY', 'MM', 'DD', '0M', 'MICRO', 'MAJOR', '.', '-', '[', ']', 'hh'), {
    minLength: 1,
    maxLength: 10,
  })
  fc.assert(
    fc.property(format, fc.stringMatching(/^[0-9.-]{0,128}$/), (parts, tag) => {
      let read: DateReader
      try {
        read = parseCalendarFormat(parts.join(''))
      } catch (error) {
        if ((error as { reason?: string }).reason !== 'VersionPolicyInvalid') throw error
        return
      }
      const since = performance.now()
      read(tag)
      if (performance.now() - since > 200) throw new Error(`${parts.join('')} on ${tag}`)
    }),
    { numRuns: 2000 },
  )
})
