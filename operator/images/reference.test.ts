import fc from 'fast-check'
import t from 'tap'
import { canonical, composeImage, isTag, parseReference, sameRepository } from './reference.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}` as const

t.test('B09 hosts with ports, tags and digests are distinguished', async (t) => {
  const cases: readonly (readonly [string, string, string, (string | undefined)?, string?])[] = [
    ['nginx', 'docker.io', 'library/nginx'],
    ['nginx:1.27', 'docker.io', 'library/nginx', '1.27'],
    ['shop/web', 'docker.io', 'shop/web'],
    ['docker.io/nginx', 'docker.io', 'library/nginx'],
    ['index.docker.io/shop/web', 'docker.io', 'shop/web'],
    ['localhost/web', 'localhost', 'web'],
    ['localhost:5000/shop/web', 'localhost:5000', 'shop/web'],
    ['registry.example.com:5000/shop/web:1.2', 'registry.example.com:5000', 'shop/web', '1.2'],
    [`registry.example.com:5000/web@${digest}`, 'registry.example.com:5000', 'web', undefined, digest],
    [`127.0.0.1:5000/web:1.2@${digest}`, '127.0.0.1:5000', 'web', '1.2', digest],
    ['[2001:db8::1]:5000/shop/web:1', '[2001:db8::1]:5000', 'shop/web', '1'],
    ['Registry/web', 'Registry', 'web'],
    ['a__b/c-d.e', 'docker.io', 'a__b/c-d.e'],
  ]
  for (const [text, host, path, tag, digest] of cases) {
    const { name, ...parsed } = parseReference(text)
    t.same(parsed, { repository: { host, path }, tag, digest }, text)
    t.ok(text.startsWith(name))
  }
})

t.test('B09 an invalid image reference is refused with its fault and an example', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['', /it is empty/],
    [':1', /not a repository path/],
    ['shop/Web', /"shop\/Web" is not a repository path in lower case/],
    ['web:', /"" is not a tag/],
    ['web:a b', /"a b" is not a tag/],
    ['web@sha256:12', /"sha256:12" is not a digest/],
    ['registry.example.com:port/web', /"registry.example.com:port" is not a host/],
    ['https://registry.example.com/web', /is not a/],
    [`web:${'x'.repeat(129)}`, /is not a tag/],
    [`${'a'.repeat(250)}/web`, /more than 255 characters/],
    ['x'.repeat(5000), /more than 1024 characters/],
  ]
  for (const [text, fault] of cases) {
    t.throws(() => parseReference(text), { reason: 'ImageReferenceInvalid', message: fault }, text.slice(0, 40))
  }
})

t.test('every reference stays the same when it is written and parsed', async () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,4}){0,2}$/)
  const host = fc.stringMatching(/^[a-z0-9]{1,8}(?:\.[a-z0-9]{1,8}){1,3}(?::[0-9]{1,5})?$/)
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)
  const whole = fc.record({
    host,
    path: fc.array(component, { minLength: 1, maxLength: 4 }),
    tag: fc.option(tag, { nil: undefined }),
    digest: fc.option(fc.constant(digest), { nil: undefined }),
  })
  fc.assert(
    fc.property(whole, ({ host, path, tag, digest }) => {
      const text = canonical({ repository: { host, path: path.join('/') }, name: '', tag, digest })
      const parsed = parseReference(text)
      return canonical(parsed) === text && parsed.tag === tag && parsed.repository.host === host
    }),
  )
  // Whatever is thrown in, it is parsed or refused, never more.
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      try {
        return canonical(parseReference(canonical(parseReference(text)))) === canonical(parseReference(text))
      } catch (error) {
        return (error as { reason?: string }).reason === 'ImageReferenceInvalid'
      }
    }),
  )
})

t.test('two spellings of one repository are the same', async (t) => {
  const same = (one: string, other: string) =>
    sameRepository(parseReference(one).repository, parseReference(other).repository)
  t.ok(same('nginx:1', `docker.io/library/nginx@${digest}`))
  t.notOk(same('shop/nginx', 'nginx'))
  t.notOk(same('registry.example.com:5000/web', 'registry.example.com/web'))
})

t.test('B07 a version that is only a digest gives repo@sha256:…, never repo:sha256:…', async (t) => {
  t.equal(
    composeImage('registry.example.com:5000/web', { name: digest, digest }),
    `registry.example.com:5000/web@${digest}`,
  )
  t.equal(composeImage('nginx', { name: '1.27', digest }), `nginx:1.27@${digest}`, "the user's spelling stays")
  t.notOk(isTag(digest))
})
