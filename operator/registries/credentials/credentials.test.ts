import fc from 'fast-check'
import t from 'tap'
import { parseReference } from '../../images/reference.ts'
import { credentialId } from './credential-id.ts'
import { credentialsFor, loginsFor } from './credentials.ts'
import { type DockerConfig, parseDockerConfig, parsePullSecret } from './docker-config.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const config = (auths: object): DockerConfig => parseDockerConfig(JSON.stringify({ auths }), 'the file config.json')
const entry = (username: string) => ({ auth: base64(`${username}:secret`) })
const userFor = (image: string, ...configs: DockerConfig[]): string => {
  const credentials = credentialsFor(parseReference(image).repository, configs)
  return credentials.kind === 'basic' ? credentials.username : credentials.kind
}

t.test('a Docker config is read in all its forms', async (t) => {
  t.same(
    config({
      'a.example.com': { auth: base64('ann:pass:word') },
      'https://b.example.com/v1/': { username: 'bob', password: 'b' },
      'c.example.com': { auth: base64('x:y'), identitytoken: 'refresh' },
      'd.example.com': {},
    }),
    [
      { pattern: 'a.example.com', credentials: { kind: 'basic', username: 'ann', password: 'pass:word' } },
      { pattern: 'b.example.com', credentials: { kind: 'basic', username: 'bob', password: 'b' } },
      { pattern: 'c.example.com', credentials: { kind: 'identity-token', token: 'refresh' } },
    ],
  )
  t.same(parseDockerConfig('{"credsStore":"desktop"}', 'x'), [])
})

t.test('pull secrets of both types are read', async (t) => {
  const auths = { 'a.example.com': entry('ann') }
  const whole = { namespace: 'shop', name: 'regcred', data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) } }
  const legacy = { namespace: 'shop', name: 'old', data: { '.dockercfg': base64(JSON.stringify(auths)) } }
  t.equal(userFor('a.example.com/web', parsePullSecret(whole)), 'ann')
  t.equal(userFor('a.example.com/web', parsePullSecret(legacy)), 'ann')
})

t.test('an invalid pull secret is named, and its content is not shown', async (t) => {
  const secret = (text: string) => ({ namespace: 'shop', name: 'regcred', data: { '.dockerconfigjson': base64(text) } })
  for (const text of [
    'hunter2',
    '[]',
    '{"auths":"hunter2"}',
    '{"auths":{"a.example.com":"hunter2"}}',
    '{"auths":{"a.example.com":{"auth":"hunter2"}}}',
  ]) {
    try {
      userFor('a.example.com/web', parsePullSecret(secret(text)))
      t.fail('it was taken')
    } catch (error) {
      t.match(error, { reason: 'PullSecretInvalid', message: /^the pull secret shop\/regcred / })
      t.notMatch(String((error as Error).message), 'hunter2')
    }
  }
  t.throws(() => parsePullSecret({ namespace: 'shop', name: 'regcred' }), /neither the key \.dockerconfigjson nor/)
})

t.test('the longest match wins in any order, and a host without a star comes first', async (t) => {
  const logins = config({
    '*.example.com': entry('star'),
    'reg.example.com': entry('host'),
    'reg.example.com/shop': entry('shop'),
    'reg.example.com/shop/web': entry('web'),
    'reg.example.com:5000': entry('port'),
  })
  t.equal(userFor('reg.example.com/shop/web', logins), 'web')
  t.equal(userFor('reg.example.com/shop/webs', logins), 'web', 'the kubelet compares text')
  t.equal(userFor('reg.example.com/shopping/x', logins), 'shop')
  t.equal(userFor('reg.example.com/shopping/x', config({ 'reg.example.com/shop/': entry('shop') })), 'anonymous')
  t.equal(userFor('other.example.com/x', logins), 'star')
  t.equal(userFor('a.b.example.com/x', logins), 'anonymous', 'a star is one label')
  t.equal(userFor('example.com/x', logins), 'anonymous')
  t.equal(userFor('reg.example.com:5000/x', logins), 'port')
  t.equal(userFor('reg.example.com:5001/x', logins), 'anonymous')
  t.equal(userFor('evilreg.example.com.attacker.net/x', logins), 'anonymous')
  t.equal(userFor('reg.example.com/x', config({ 'reg.example.com': entry('first') }), logins), 'first')
})

/** As kubernetes/pkg/credentialprovider/keyring_test.go and config.go have it. */
t.test("the kubelet's order, patterns and forms of names", async (t) => {
  const users = (image: string, ...configs: DockerConfig[]) =>
    loginsFor(parseReference(image).repository, configs).map(({ credentials }) =>
      credentials instanceof Error ? 'fault' : credentials.kind === 'basic' && credentials.username,
    )
  const one = config({ 'reg.example.com': entry('one'), '*.example.com': entry('star one') })
  const two = config({ 'https://reg.example.com/v1/': entry('two'), 'reg.example.com/shop': entry('path') })
  t.same(users('reg.example.com/shop/web', one, two), ['path', 'one', 'two', 'star one'])
  t.same(users('reg.example.com/shop/web', two, one), ['path', 'two', 'one', 'star one'])
  const globs = {
    'r?g.example.com': 'q',
    're[f-h].example.com': 'set',
    're[^g].example.com': 'not',
    'r*g.example.com': 'star',
  }
  const patterns = config(Object.fromEntries(Object.entries(globs).map(([pattern, user]) => [pattern, entry(user)])))
  t.same(new Set(users('reg.example.com/web', patterns)), new Set(['q', 'set', 'star']))
  t.same(users('reg.example.com/web', config({ 're[g.example.com': entry('broken'), '*.*.*.com': entry('deep') })), [])
  for (const name of ['http://r.example.com', 'https://r.example.com/v2/', 'r.example.com/', 'R.example.com/v1/']) {
    t.equal(userFor('r.example.com/web', config({ [name]: entry('ann') })), 'ann', name)
  }
  t.equal(userFor('r.example.com:5000/web', config({ '*.example.com:5000': entry('ann') })), 'ann')
  t.equal(userFor('r.example.com:5001/web', config({ '*.example.com:5000': entry('ann') })), 'anonymous')
  const both = { username: 'other', password: 'x', ...entry('ann') }
  t.equal(userFor('r.example.com/web', config({ 'r.example.com': both })), 'ann', 'auth counts first')
})

t.test('null and unreadable entries of other registries are nothing', async (t) => {
  const logins = config({
    'null.example.com': null,
    'empty.example.com': { auth: null, username: null, identitytoken: null },
    'broken.example.com': { auth: 'hunter2' },
    'text.example.com': 'hunter2',
    'good.example.com': { ...entry('ann'), email: null },
  })
  t.equal(userFor('good.example.com/web', logins), 'ann')
  for (const host of ['null', 'empty']) t.equal(userFor(`${host}.example.com/web`, logins), 'anonymous')
  for (const host of ['broken', 'text']) {
    t.throws(() => userFor(`${host}.example.com/web`, logins), {
      name: 'NeedsChangeError',
      reason: 'PullSecretInvalid',
    })
  }
})

t.test('all names of Docker Hub mean the same host', async (t) => {
  for (const name of ['https://index.docker.io/v1/', 'docker.io', 'registry-1.docker.io', 'index.docker.io']) {
    t.equal(userFor('nginx', config({ [name]: entry('hub') })), 'hub', name)
  }
})

t.test('equal credentials have an equal id, which reveals nothing', async (t) => {
  const one = credentialId({ kind: 'basic', username: 'ann', password: 'hunter2' })
  t.equal(credentialId({ kind: 'basic', username: 'ann', password: 'hunter2' }), one)
  t.not(credentialId({ kind: 'basic', username: 'annh', password: 'unter2' }), one)
  t.not(credentialId({ kind: 'identity-token', token: 'hunter2' }), one)
  t.match(one, /^[\w-]{43}$/)
})

t.test('no config crashes the parser, and no pattern makes it slow', async () => {
  fc.assert(
    fc.property(fc.json(), fc.webAuthority(), (text, host) => {
      try {
        credentialsFor({ host, path: 'a' }, [parseDockerConfig(`{"auths":${text}}`, 'x')])
        return true
      } catch (error) {
        return (error as { reason?: string }).reason === 'PullSecretInvalid'
      }
    }),
  )
  const evil = config({ [`${'*a'.repeat(60)}.com`]: entry('x') })
  credentialsFor({ host: `${'a'.repeat(63)}b.com`, path: 'a' }, [evil])
})
