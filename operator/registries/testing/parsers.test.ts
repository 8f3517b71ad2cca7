import fc from 'fast-check'
import t from 'tap'
import { isDigest } from '../../images/digest.ts'
import { parseChallenges } from '../oci/auth/challenge.ts'
import { parseTokenAnswer } from '../oci/auth/token-answer.ts'
import { nextLink } from '../oci/link.ts'
import { mediaTypeOf } from '../oci/manifest.ts'
import { retryAfterMs } from '../transport/retry-after.ts'

t.test('a challenge is read with its schemes and parameters', async (t) => {
  const read = (header: string) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])
  t.same(read('Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push"'), [
    ['bearer', { realm: 'https://auth.example.com/token', service: 'registry', scope: 'repository:a/b:pull,push' }],
  ])
  t.same(read('BASIC Realm = "a \\"quoted\\" one", charset=UTF-8, Bearer realm=x'), [
    ['basic', { realm: 'a "quoted" one', charset: 'UTF-8' }],
    ['bearer', { realm: 'x' }],
  ])
  t.same(read('Negotiate, Basic realm="a", realm="b"'), [
    ['negotiate', {}],
    ['basic', { realm: 'a' }],
  ])
  t.same(read(''), [])
  t.same(read('realm="stray"'), [])
})

t.test('challenges survive a round trip, and nonsense does no harm', async () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/)
  fc.assert(
    fc.property(word, fc.dictionary(word, fc.string({ maxLength: 20 })), (scheme, wanted) => {
      const parameters = Object.entries(wanted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`)
      const [challenge] = parseChallenges(`${scheme} ${parameters.join(', ')}`)
      return (
        challenge?.scheme === scheme &&
        Object.entries(wanted).every(([name, value]) => challenge.parameters.get(name) === value)
      )
    }),
  )
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => Array.isArray(parseChallenges(text))))
})

t.test('the link to the next page is found among others', async (t) => {
  t.equal(nextLink('</v2/a/tags/list?last=b&n=2>; rel="next"'), '/v2/a/tags/list?last=b&n=2')
  t.equal(nextLink('<x>; rel=prev, <y>; title="a, b"; rel=next'), 'y')
  t.equal(nextLink('<x>; rel="nextish"'), undefined)
  t.equal(nextLink('<x>; rel="first next"'), 'x')
  t.equal(nextLink(undefined), undefined)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => nextLink(text)?.includes('<') !== true),
  )
})

t.test('Retry-After is read as seconds or a date, and bounded', async (t) => {
  const now = 'Fri, 02 Jan 2026 03:04:05 GMT'
  t.equal(retryAfterMs('7', now), 7000)
  t.equal(retryAfterMs('Fri, 02 Jan 2026 03:04:15 GMT', now), 10_000)
  t.equal(retryAfterMs('Fri, 02 Jan 2026 03:04:00 GMT', now), 0)
  t.equal(retryAfterMs('99999999', now), 3_600_000)
  for (const nonsense of [undefined, '', '-1', '1.5', 'soon', 'Xyz, 99 Foo'])
    t.equal(retryAfterMs(nonsense, now), undefined)
})

t.test('only the canonical form of a digest is accepted', async (t) => {
  t.ok(isDigest(`sha256:${'a'.repeat(64)}`))
  t.ok(isDigest(`sha512:${'0'.repeat(128)}`))
  for (const bad of [
    `sha256:${'A'.repeat(64)}`,
    'sha256:',
    `sha256:${'a'.repeat(65)}`,
    `md5:${'a'.repeat(32)}`,
    7,
    undefined,
  ]) {
    t.notOk(isDigest(bad))
  }
})

t.test("a token answer gives a token that fits into a header, and its lifetime by the service's clocks", async (t) => {
  const parse = (answer: unknown, date?: string) =>
    parseTokenAnswer({
      body: Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)),
      headers: { date },
    })
  t.same(parse({ token: 'a' }), { token: 'a', lifetimeMs: 60_000 })
  t.same(parse({ access_token: 'b', expires_in: 300 }), { token: 'b', lifetimeMs: 300_000 })
  t.same(parse({ token: 'c', expires_in: 1e12 })?.lifetimeMs, 86_400_000)
  const aged = { token: 'd', expires_in: 300, issued_at: '2026-01-01T00:00:00Z' }
  t.equal(parse(aged, 'Thu, 01 Jan 2026 00:04:00 GMT')?.lifetimeMs, 60_000)
  t.equal(parse(aged)?.lifetimeMs, 300_000)
  for (const bad of [
    '',
    '[]',
    'null',
    '"x"',
    {},
    { token: 7 },
    { token: '' },
    { token: 'a\r\nb: c' },
    { token: 'x'.repeat(40_000) },
  ]) {
    t.equal(parse(bad), undefined)
  }
})

t.test('the type of a manifest comes from its header, or else from its content', async (t) => {
  const index = 'application/vnd.oci.image.index.v1+json'
  const of = (type: unknown, body = '{}') =>
    mediaTypeOf({ headers: { 'content-type': type as string }, body: Buffer.from(body) })
  t.equal(of(`${index}; charset=utf-8`), index)
  t.equal(of(index.toUpperCase()), index)
  // Undici gives a list for a header that occurs twice, and ECR's JSON may contain anything.
  for (const nonsense of [undefined, '', 'text/html', ['text/html', index], 7, null, {}]) {
    t.equal(of(nonsense), undefined)
    t.equal(of(nonsense, JSON.stringify({ mediaType: index })), index)
  }
  t.equal(of('', '{"mediaType":["x"]}'), undefined)
})
