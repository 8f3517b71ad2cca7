import fc from 'fast-check'
import t from 'tap'
import { OtherTags } from './other-tags.ts'
import { parseVersionSyntax } from './version-syntax.ts'

function othersOf(...tags: readonly string[]): OtherTags {
  const others = new OtherTags()
  for (const tag of tags) others.add(tag)
  return others
}

t.test('the likeliest versions are listed first, and of many the rest is counted', async (t) => {
  t.equal(
    othersOf('latest', '1.2.0', 'env-prod', 'build-7', 'v1.10.0').listed('env-prod'),
    'v1.10.0, 1.2.0, build-7, latest',
  )
  const many = Array.from({ length: 20_000 }, (_, i) => `v1.${i}.0`)
  t.equal(
    othersOf('zone', 'env-prod', ...many).listed('env-prod'),
    'v1.19999.0, v1.19998.0, v1.19997.0, v1.19996.0, v1.19995.0 and 19996 more',
  )
  t.equal(othersOf('env-prod').listed('env-prod'), '')
  t.equal(othersOf('1.0', '1.0', 'env-prod').listed('env-prod'), '1.0', 'a registry may list a tag twice')
  t.equal(othersOf(`sha256-${'a'.repeat(64)}.sig`, '1.0.sbom').listed(''), '', 'a signature is none of them')
})

t.test('the tags show what to write, and those that tell no versions apart do not', async (t) => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['v1.1.0', 'v[0-9]+[.][0-9]+[.][0-9]+'],
    ['1.27.3-alpine', '[0-9]+[.][0-9]+[.][0-9]+-alpine'],
    ['main-0a1b2c3-97', 'main-[0-9a-f]+-[0-9]+'],
    ['20260131T0945', '[0-9]+T[0-9]+'],
    ['r1_42', 'r[0-9]+_[0-9]+'],
    ['latest', undefined],
  ]
  for (const [tag, pattern] of cases) t.equal(othersOf('stable', tag).suggestion('env-prod'), pattern, tag)
  t.equal(othersOf('v1.1.0').suggestion('v1.1.0'), 'v[0-9]+[.][0-9]+[.][0-9]+', 'the followed tag may be one')
  t.equal(othersOf('prod-2', 'prod-1').suggestion('prod-2'), undefined, 'but a moving one is none, nor are its like')
  t.equal(othersOf('prod-2', 'prod-1', 'b7').suggestion('prod-2'), 'b[0-9]+')
})

t.test('what to write matches the tag that shows it', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/), (tag) => {
      const pattern = othersOf(tag).suggestion('')
      return pattern === undefined || parseVersionSyntax(pattern).matches(tag)
    }),
    { numRuns: 2000 },
  )
})
