import fc from 'fast-check'
import t from 'tap'
import { candidateTags } from './candidates.ts'
import { likelyTags, versionOfLabels } from './labels.ts'
import { compareNaturally } from './natural-order.ts'
import { parseVersionSyntax } from './version-syntax.ts'

t.test('B04 a pattern matches the whole tag or nothing', async (t) => {
  const syntax = parseVersionSyntax('[0-9a-f]{5,40}')
  t.ok(syntax.matches('0a1b2c3'))
  for (const tag of ['env-0a1b2c3', '0a1b2c3-dirty', '0a1b', '', 'x'.repeat(200), '0a1b2c3\n'])
    t.notOk(syntax.matches(tag), tag)
  t.ok(parseVersionSyntax('a|ab').matches('ab'))
  t.ok(parseVersionSyntax('^v\\d+$').matches('v12'))
  t.notOk(parseVersionSyntax('.*').matches('not a tag'), 'an invalid tag is no version')
})

t.test('an invalid pattern is refused with the place and an example', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['v[0-9', /"v\[0-9" cannot be used: missing closing \] at character 2/],
    ['a(b', /missing closing \)/],
    ['a\\q', /invalid escape sequence at character 2/],
    ['(?=a)', /character 1/],
    ['a{2000}', /repetitions of more than 256/],
    ['((.{0,31}){0,31})((.{0,31}){0,31})', /too many repetitions/],
    ['x'.repeat(257), /more than 256 characters/],
  ]
  for (const [pattern, message] of cases) {
    t.throws(() => parseVersionSyntax(pattern), { name: 'NeedsChangeError', message }, pattern.slice(0, 30))
  }
})

t.test('S5 no pattern and no tag take long', async (t) => {
  const evil = [
    '(a*)*b',
    '(a|a)*b',
    '(.*)*x(.*)*y',
    '(\\pL?){128}',
    '(.{0,100}a){0,2}x',
    '((a{0,9}){0,9}){0,9}b',
    '(.{0,128}){0,7}'.repeat(17),
  ]
  for (const pattern of evil) {
    const since = process.cpuUsage()
    try {
      const syntax = parseVersionSyntax(pattern)
      for (let i = 0; i < 10; i++) syntax.matches('a'.repeat(120) + i)
    } catch {
      t.pass('refused')
    }
    const { user, system } = process.cpuUsage(since)
    t.ok((user + system) / 1000 < 250, `${pattern.slice(0, 30)}: ten tags in ${(user + system) / 1000} ms`)
  }
})

t.test('testExact agrees with matches', async () => {
  const { RE2JS } = await import('re2js')
  const pattern = fc.stringMatching(/^[ab01.?*+|()[\]-]{1,12}$/)
  fc.assert(
    fc.property(pattern, fc.stringMatching(/^[ab01][ab01.-]{0,10}$/), (text, tag) => {
      let plain: boolean
      try {
        plain = RE2JS.compile(text).matches(tag)
      } catch {
        return true
      }
      return parseVersionSyntax(text).matches(tag) === plain
    }),
  )
})

t.test('tags are sorted by their numbers, in a total order', async (t) => {
  const sorted = ['1.2.9', '1.2.10', '1.10', '2', 'a1', 'a02', 'a2b', 'a10', 'b']
  t.same([...sorted].reverse().sort(compareNaturally), ['1.2.9', '1.2.10', '1.10', '2', 'a1', 'a02', 'a2b', 'a10', 'b'])
  const tag = fc.stringMatching(/^[ab0-2.]{1,6}$/)
  fc.assert(
    fc.property(tag, tag, tag, (a, b, c) => {
      const antisymmetric = Math.sign(compareNaturally(a, b)) === -Math.sign(compareNaturally(b, a))
      const strict = (compareNaturally(a, b) === 0) === (a === b)
      const transitive = !(compareNaturally(a, b) < 0 && compareNaturally(b, c) < 0) || compareNaturally(a, c) < 0
      return antisymmetric && strict && transitive
    }),
    { numRuns: 2000 },
  )
})

t.test('a label that matches the syntax is the version: first the version, then the revision', async (t) => {
  const labels = { 'org.opencontainers.image.version': '1.2', 'org.opencontainers.image.revision': '0a1b2c3d4e5f6' }
  t.equal(versionOfLabels(labels, parseVersionSyntax('.+')), '1.2')
  t.equal(versionOfLabels(labels, parseVersionSyntax('[0-9a-f]{5,40}')), '0a1b2c3d4e5f6')
  t.equal(versionOfLabels(labels, parseVersionSyntax('v.+')), undefined)
  t.equal(versionOfLabels({ 'org.opencontainers.image.version': 'a b' }, parseVersionSyntax('.+')), undefined)
  t.same(likelyTags(labels).slice(0, 4), ['1.2', 'v1.2', '0a1b2c3d4e5f6', '0a1b2c3d4e5f'])
  t.same(likelyTags({}), [])
})

t.test('a pattern that follows many ways through each tag is given up', async (t) => {
  let state = 1
  const bit = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state >>> 31
  }
  const tags = Array.from({ length: 20_000 }, () => Array.from({ length: 128 }, bit).join(''))
  await t.rejects(candidateTags(tags, 'env-prod', parseVersionSyntax('(.?){100}.*1.{100}')), {
    reason: 'VersionSyntaxInvalid',
    message: /takes too long for the tags of this repository/,
  })
  t.equal((await candidateTags(tags, 'env-prod', parseVersionSyntax('[01]+'))).length, tags.length)
})
