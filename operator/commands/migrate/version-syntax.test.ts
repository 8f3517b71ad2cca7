import fc from 'fast-check'
import { RE2JS } from 're2js'
import { test } from 'tap'
import { anchored } from './version-syntax.ts'

/** As the first cvmanager read a pattern: it found it anywhere in a tag. */
const found = (pattern: string, tag: string): boolean => RE2JS.compile(pattern).matcher(tag).find()
const matchesWhole = (pattern: string, tag: string): boolean => RE2JS.compile(pattern).testExact(tag)

const part = fc.constantFrom('a', 'b', '[0-9]+', '(a|b)', '\\.', '(?:a|b1)*', 'v?', '[a|]', '\\|', '(a(b|1))')
const alternative = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
const body = fc.array(alternative, { minLength: 1, maxLength: 3 }).map((all) => all.join('|'))
const tag = fc.string({ unit: fc.constantFrom('a', 'b', '1', '.', 'v', '|'), minLength: 1, maxLength: 8 })

test('B04 a pattern with anchors matches the same tags as it did', async () => {
  const anchors = fc.constantFrom<readonly [string, string]>(['^', ''], ['', '$'])
  fc.assert(
    fc.property(body, anchors, tag, (text, [begin, end], tag) => {
      const old = `${begin}${text}${end}`
      return found(old, tag) === matchesWhole(anchored(old).pattern, tag)
    }),
    { numRuns: 600 },
  )
  fc.assert(
    fc.property(alternative, tag, (text, tag) => {
      const { pattern, note } = anchored(`^${text}$`)
      return note === undefined && found(`^${text}$`, tag) === matchesWhole(pattern, tag)
    }),
    { numRuns: 300 },
  )
})

test('B04 the note about any other pattern has one that matches the same tags as before', async () => {
  fc.assert(
    fc.property(body, tag, (text, tag) => {
      const { pattern, note = '' } = anchored(text)
      const asBefore = / write (.*)$/.exec(note)?.[1] ?? ''
      return pattern === text && found(text, tag) === matchesWhole(asBefore, tag)
    }),
    { numRuns: 600 },
  )
})

test('what patterns become', async (t) => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['^[0-9a-f]{5,40}$', '^[0-9a-f]{5,40}$', false],
    ['^(v[0-9]+|[0-9a-f]{7})$', '^(v[0-9]+|[0-9a-f]{7})$', false],
    ['[0-9a-f]{5,40}', '[0-9a-f]{5,40}', true],
    ['^v[0-9]+', '^v[0-9]+.*', true],
    ['-release$', '.*-release$', true],
    ['^a|b', '.*(?:^a|b).*', true],
    ['a\\$', 'a\\$', true],
  ]
  for (const [old, now, hasNote] of cases) {
    const { pattern, note } = anchored(old)
    t.same([pattern, note !== undefined], [now, hasNote], old)
  }
})
