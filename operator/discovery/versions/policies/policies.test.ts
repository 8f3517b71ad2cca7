import fc from 'fast-check'
import t from 'tap'
import type { PolicyName, VersionPolicySpec } from '../../../api/policy.ts'
import type { Listing } from '../../tag-policy.ts'
import { tagPolicy } from './choosing.ts'
import { parsePolicy, policyInWords, policyKinds, policyNames } from './policies.ts'
import type { PolicyKind } from './policy.ts'

const listing = (...tags: readonly string[]): Listing => new Map(tags.map((tag) => [tag, undefined]))
const chosen = async (policy: VersionPolicySpec, ...tags: readonly string[]) =>
  tagPolicy(policy).choose(listing(...tags))
const refusal = (policy: VersionPolicySpec, message: RegExp) =>
  [() => tagPolicy(policy), { name: 'NeedsChangeError', reason: 'VersionPolicyInvalid', message }] as const

t.test('semver: the highest version in the range, compared by numbers', async (t) => {
  const semver = { range: '^1.2' }
  t.same(await chosen({ semver }, '1.9.0', '1.10.0', '2.0.0', '1.1.9', 'latest', 'env-prod'), { tag: '1.10.0' })
  t.same(await chosen({ semver }, 'v1.3.0', '1.2.9'), { tag: 'v1.3.0' }, 'a leading v is allowed')
  t.same(await chosen({ semver: { range: '>=1.2.0 <1.5 || 3.x' } }, '1.4.9', '1.5.0', '2.0.0'), { tag: '1.4.9' })
})

t.test('semver: a tag of one or two numbers is no version, because it moves', async (t) => {
  t.match(await chosen({ semver: { range: '1.x' } }, '1', '1.4', 'v1.4'), {
    tag: undefined,
    reason: /for example, v1\.4/,
  })
})

t.test('semver: prereleases count only on request', async (t) => {
  const tags = ['1.0.0', '1.1.0-rc.1', '1.1.0-rc.2', '2.0.0-beta.1']
  t.same(await chosen({ semver: { range: '>=1.0.0' } }, ...tags), { tag: '1.0.0' })
  t.same(await chosen({ semver: { range: '^1.0.0', prerelease: true } }, ...tags), { tag: '1.1.0-rc.2' })
  t.same(await chosen({ semver: { range: '>=1.0.0', prerelease: true } }, ...tags), { tag: '2.0.0-beta.1' })
  t.same(
    await chosen({ semver: { range: '>=1.1.0-rc.1' } }, ...tags),
    { tag: '1.1.0-rc.2' },
    'named by the range itself',
  )
  t.same(await chosen({ semver: { range: '^1', prerelease: true } }, ...tags, '1.1.0'), { tag: '1.1.0' })
})

t.test('semver: a bad range is refused with the word and its place', async (t) => {
  t.throws(
    ...refusal({ semver: { range: '>=1.0 foo' } }, /semver\.range ">=1\.0 foo" .*"foo" at character 7 is no version/),
  )
  t.throws(...refusal({ semver: { range: '^1 || =>2' } }, /"=>2" at character 7/))
  t.throws(...refusal({ semver: { range: '1.2.3.4' } }, /Write a range as npm does, for example ~1\.4/))
  t.throws(...refusal({ semver: { range: '1 - - 2' } }, /it is no range of versions/))
})

t.test('numeric: the largest whole number, however long', async (t) => {
  t.same(await chosen({ numeric: {} }, '9', '10', '0a1', '1.5', '-7', 'v11'), { tag: '10' })
  t.same(await chosen({ numeric: {} }, '20260102030405123456789', '20260102030405123456790'), {
    tag: '20260102030405123456790',
  })
  t.match(await chosen({ numeric: {} }, 'v1'), { tag: undefined, reason: /no tag is a whole number; .*example, v1/ })
})

t.test('newest: the tag that was pushed last; tags without a push time do not count', async (t) => {
  const policy = tagPolicy({ newest: {} })
  t.equal(policy.needs, 'push times')
  const pushed: Listing = new Map([
    ['new', 30],
    ['old', 20],
    ['unknown', undefined],
  ])
  t.same(await policy.choose(pushed), { tag: 'new' })
  t.same(await policy.choose(new Map([...pushed, ['newer', 30]])), { tag: 'newer' }, 'at the same time: by name')
  t.match(await policy.choose(listing('unknown')), { reason: /tag whose push time/ })
})

t.test('filter: only whole matches count, a group can be compared, and the tag is the version', async (t) => {
  const filter = { pattern: 'prod-[0-9a-f]{7}-(?P<build>[0-9]+)', extract: '$build' }
  const tags = ['prod-aaaaaaa-9', 'prod-bbbbbbb-10', 'test-ccccccc-11', 'prod-ddddddd-12-dirty']
  t.same(await chosen({ numeric: {}, filter }, ...tags), { tag: 'prod-bbbbbbb-10' })
  t.same(await chosen({ numeric: {}, filter: { ...filter, extract: '$1' } }, ...tags), { tag: 'prod-bbbbbbb-10' })
  const variant = { pattern: '(.+)-alpine', extract: '$1' }
  t.same(await chosen({ semver: { range: '*' }, filter: variant }, '1.2.0-alpine', '1.3.0', '1.1.0-alpine'), {
    tag: '1.2.0-alpine',
  })
  const joined = { pattern: 'r([0-9]+)_([0-9]+)', extract: '$1.$2.0' }
  t.same(await chosen({ semver: { range: '*' }, filter: joined }, 'r1_9', 'r1_10'), { tag: 'r1_10' })
  const braced = { pattern: 'b(?P<n>[0-9])', extract: `$${'{n}'}0` }
  t.same(await chosen({ numeric: {}, filter: braced }, 'b1', 'b2'), { tag: 'b2' }, 'the braces end the name')
  t.same(await chosen({ semver: { range: '^1' }, filter: { pattern: '1\\.2\\..*' } }, '1.2.3', '1.3.0'), {
    tag: '1.2.3',
  })
})

t.test('filter: an invalid filter is refused with the place and what to write', async (t) => {
  const filtered = (pattern: string, extract?: string): VersionPolicySpec => ({
    numeric: {},
    filter: { pattern, ...(extract === undefined ? {} : { extract }) },
  })
  t.throws(...refusal(filtered('v[0-9'), /filter\.pattern "v\[0-9" cannot be used: missing closing \] at character 2/))
  t.throws(...refusal(filtered('(?=a)'), /at character 1/))
  t.throws(...refusal(filtered('x'.repeat(257)), /more than 256 characters/))
  t.throws(
    ...refusal(filtered('v(.*)', '$2'), /filter\.extract "\$2" .* no group 2, at character 1\. The pattern has: \$1\./),
  )
  t.throws(...refusal(filtered('v(?P<n>.*)', 'x$m'), /no group m, at character 2\. The pattern has: \$n\./))
  t.throws(...refusal(filtered('v(.*)', '1$'), /a \$ without a group at character 2/))
  t.throws(...refusal(filtered('v(.*)', '$$1'), /names no group/))
  t.throws(...refusal(filtered('v.*', '$1'), /Put parentheses around/))
})

t.test('if no tag fits, the reason says how far the best one got', async (t) => {
  const policy = { semver: { range: '^2' }, filter: { pattern: 'v.*' } }
  t.match(await chosen(policy), { tag: undefined, reason: /it has no tags/ })
  t.match(await chosen(policy, '2.0.0'), {
    reason: /no tag matches spec\.policy\.filter\.pattern v\.\* as a whole; .* 2\.0\.0/,
  })
  t.match(await chosen(policy, '2.0.0', 'v1.0.0', 'v1.1.0'), {
    reason: /no tag that matches .* is a semantic version .* in the range \^2; .* v1\.1\.0/,
  })
})

t.test('policies that choose alike have one identity, with or without defaults', async (t) => {
  const same: readonly VersionPolicySpec[] = [
    { semver: { range: '^1' } },
    { semver: { range: '^1', prerelease: false } },
  ]
  t.equal(new Set(same.map((spec) => tagPolicy(spec).identity)).size, 1)
  const others: readonly VersionPolicySpec[] = [
    { semver: { range: '^1', prerelease: true } },
    { semver: { range: '^2' } },
    { numeric: {} },
    { newest: {} },
    { calendar: { format: 'YYYY' } },
    { numeric: {}, filter: { pattern: 'a(.)' } },
    { numeric: {}, filter: { pattern: 'a(.)', extract: '$1' } },
  ]
  t.equal(new Set([...same, ...others].map((spec) => tagPolicy(spec).identity)).size, others.length + 1)
  t.same([...same, ...others].slice(1, 6).map(policyInWords), [
    'semver ^1',
    'semver ^1',
    'semver ^2',
    'numeric',
    'newest',
  ])
})

const version = fc.tuple(fc.nat(3), fc.nat(12), fc.nat(12)).map((numbers) => numbers.join('.'))
const day = fc.tuple(fc.integer({ min: 2024, max: 2026 }), fc.integer({ min: 1, max: 12 }), fc.nat(12))
const tag = fc.oneof(
  version,
  version.map((text) => `v${text}`),
  fc.tuple(version, fc.nat(3)).map(([text, n]) => `${text}-rc.${n}`),
  fc.nat(300).map(String),
  fc.nat(30).map((n) => `00${n}`),
  day.map(([year, month, micro]) => `${year}.${month}-${micro}`),
  fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,9}$/),
)
const specs: readonly VersionPolicySpec[] = [
  { semver: { range: '>=0.5', prerelease: true } },
  { semver: { range: '^1' }, filter: { pattern: 'v?(.*)', extract: '$1' } },
  { numeric: {} },
  { calendar: { format: 'YYYY.MM[-MICRO]' } },
  { newest: {} },
]

t.test('the choice is one of the tags, and does not depend on their order or on how they are split', async () => {
  const content = fc.uniqueArray(fc.tuple(tag, fc.nat(5)), { selector: ([name]) => name, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(content, fc.constantFrom(...specs), fc.nat(30), async (tags, spec, cut) => {
      const sorted = [...tags].sort(([one], [other]) => (one < other ? -1 : 1))
      const { tag } = await tagPolicy(spec).choose(new Map(tags))
      const other = await tagPolicy(spec).choose(new Map(sorted))
      if (other.tag !== tag) throw new Error(`${tag} or ${other.tag}`)
      if (tag !== undefined && !tags.some(([name]) => name === tag)) throw new Error(`${tag} is none of them`)
      if (spec.filter !== undefined) return
      const candidates = tags.map(([name, pushed]) => ({ tag: name, value: name, pushed }))
      const { policy } = parsePolicy(spec)
      const halves = [candidates.slice(0, cut), candidates.slice(cut)].map((half) => policy.choose(half))
      const best = policy.choose(halves.filter((found) => found !== undefined))
      if (best?.tag !== tag) throw new Error(`in parts ${best?.tag}, at once ${tag}`)
    }),
    { numRuns: 400 },
  )
})

t.test('deleting a tag that is not chosen changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(tag, { minLength: 2, maxLength: 20 }),
      fc.constantFrom(...specs),
      async (tags, spec) => {
        const policy = tagPolicy(spec)
        const { tag } = await policy.choose(listing(...tags))
        const without = tags.find((other) => other !== tag)
        const again = await policy.choose(listing(...tags.filter((other) => other !== without)))
        if (again.tag !== tag) throw new Error(`without ${without}: ${again.tag} instead of ${tag}`)
      },
    ),
    { numRuns: 200 },
  )
})

t.test('a repository with many tags does not block other work', async (t) => {
  const many = listing(...Array.from({ length: 50_000 }, (_, i) => `v1.${i % 97}.${i}-alpine`))
  let pulses = 0
  const pulse = setInterval(() => {
    pulses++
  }, 1)
  const filter = { pattern: 'v(?P<v>[0-9.]+)-(alpine|debian)', extract: '$v' }
  t.same(await tagPolicy({ semver: { range: '*' }, filter }).choose(many), { tag: 'v1.96.49954-alpine' })
  clearInterval(pulse)
  // A slice takes some 10 ms, and all of it some hundreds.
  t.ok(pulses >= 5, `${pulses} times`)
})

/** Of the whole process: the machine may be busy with other things. */
async function processorMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const longTags = listing(...Array.from({ length: 10_000 }, (_, i) => `${i}`.padStart(128, '1')))

t.test('what is extracted is no longer than a tag', async (t) => {
  const filter = (times: number) => ({ pattern: '([0-9]+)', extract: '$1'.repeat(times) })
  const tag = '1'.repeat(64)
  t.same(await chosen({ numeric: {}, filter: filter(2) }, tag), { tag })
  const reason = /no tag matches .* as a whole and gives at most 128 characters by filter\.extract/
  t.match(await chosen({ numeric: {}, filter: filter(3) }, tag), { tag: undefined, reason })

  const cost = (times: number) => processorMs(() => tagPolicy({ numeric: {}, filter: filter(times) }).choose(longTags))
  await cost(1)
  const [once, often] = [await cost(1), await cost(128)]
  t.ok(often < 4 * once, `${often} ms, and ${once} ms where each tag is extracted once`)
})

t.test('a pattern that follows many ways through each tag is given up, and named', async (t) => {
  const policy = (pattern: string) => tagPolicy({ numeric: {}, filter: { pattern, extract: '$1' } }).choose(longTags)
  const usual = await processorMs(() => policy('([0-9]+)'))
  for (const pattern of ['((1?){120}1{120}.*)', '((.?){100}.{28,100})']) {
    const ms = await processorMs(async () => {
      const message = /filter\.pattern .* it takes too long .* Write one that can match a tag in one way only/
      await t.rejects(policy(pattern), { reason: 'VersionPolicyInvalid', message })
    })
    t.ok(ms < 20 * usual, `${ms} ms, and ${usual} ms for a usual pattern`)
  }
})

t.test('every kind makes its policy from its own field', async (t) => {
  for (const spec of specs) t.equal(parsePolicy(spec).kind, policyKinds[Object.keys(spec)[0] as PolicyName])
  t.throws(() => parsePolicy({}), {
    reason: 'VersionPolicyInvalid',
    message: /none of semver, calendar, numeric, newest/,
  })
  t.equal(policyInWords({}), 'policy', 'a column is no place to fail')
})

t.test('the form of a kind on the command line gives its field', async (t) => {
  const lines = { semver: '^1', calendar: 'YYYY.MM', numeric: '', newest: '' }
  for (const name of policyNames) {
    const { argument, fromLine, words }: PolicyKind = policyKinds[name]
    const line = lines[name]
    t.equal(argument !== undefined, line !== '', name)
    t.equal(words(fromLine(line)), `${name} ${line}`.trim())
    t.equal(parsePolicy({ [name]: fromLine(line) }).kind, policyKinds[name])
  }
  t.same(policyKinds.semver.fromLine('>=1.0.0 <3,prerelease'), { range: '>=1.0.0 <3', prerelease: true })
})
