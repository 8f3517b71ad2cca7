import fc from 'fast-check'
import t from 'tap'
import type { VersionPolicySpec } from '../../api/policy.ts'
import { tagPolicy } from './policies/choosing.ts'
import { parseVersionSyntax } from './version-syntax.ts'

const hex = '0123456789abcdef'.repeat(4)
const attached = [
  `sha256-${hex}`,
  `sha256-${hex}.sig`,
  `sha256-${hex}.att`,
  `sha256-${hex}.sbom`,
  `sha256-${hex}.cosign`,
  `sha512-${hex}`,
  `sha512-${hex}${hex}.sig`,
  '1.2.3.sig',
  'v9.att',
  'latest.sbom',
]

const kinds: readonly VersionPolicySpec[] = [
  { newest: {} },
  { numeric: {}, filter: { pattern: '.*?([0-9]+).*', extract: '$1' } },
  { semver: { range: '*' }, filter: { pattern: '.*?([0-9]+).*', extract: '$1.0.0' } },
  { calendar: { format: 'MAJOR' }, filter: { pattern: '.*?([0-9]+).*', extract: '$1' } },
  { newest: {}, filter: { pattern: '.*' } },
]

t.test('no policy chooses the tag of a signature, whatever its filter matches', async () => {
  const some = fc.uniqueArray(fc.constantFrom(...attached), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(some, fc.constantFrom(...kinds), fc.boolean(), async (tags, spec, isAlone) => {
      const listing = new Map(tags.map((tag, at) => [tag, 10 + at] as [string, number]))
      if (!isAlone) listing.set('1', 1)
      const choice = await tagPolicy(spec)
        .choose(listing)
        .catch((error: Error) => error.message)
      if (typeof choice === 'string') return false
      return choice.tag === (isAlone ? undefined : '1')
    }),
  )
})

t.test('a filter that names them gets them', async (t) => {
  for (const pattern of ['sha256-[0-9a-f]+\\.sig', '.*\\.sig', 'sha(256|512)-.*', '(?P<x>.*)[.]sbom|.*sig']) {
    const { choose } = tagPolicy({ newest: {}, filter: { pattern } })
    t.match(await choose(new Map([[`sha256-${hex}.sig`, 1]])), { tag: `sha256-${hex}.sig` }, pattern)
  }
})

t.test('the message of a repository that has nothing else says so', async (t) => {
  const choice = await tagPolicy({ newest: {} }).choose(new Map([[`sha256-${hex}.sig`, 1]]))
  t.match(choice, { reason: /only tags of signatures and the like, for example sha256-/ })
})

t.test('they are never aliases unless versionSyntax names them', async (t) => {
  for (const tag of attached) t.notOk(parseVersionSyntax('.*').matches(tag), tag)
  t.ok(parseVersionSyntax('sha256-.*').matches(`sha256-${hex}`))
  for (const tag of ['1.2.3', 'sha-0a1b2c3', 'sha256-0a1b2c3', '0a1b2c3', 'signed', 'v1.sigma', hex]) {
    t.ok(parseVersionSyntax('.*').matches(tag), tag)
  }
})
