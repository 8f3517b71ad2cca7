// Payloads: cloud.google.com/artifact-registry/docs/configure-notifications, cloud.google.com/pubsub/docs/push, and for
// the token cloud.google.com/pubsub/docs/authenticate-push-subscriptions
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import t, { type Test } from 'tap'
import { peer } from '../../../registries/testing/peer.ts'
import { webhookServer } from './webhook-server.fixture.ts'

const audience = 'https://cvmanager.example.com/v1/hooks/gar'
const email = 'pubsub-push@my-project.iam.gserviceaccount.com'
const secret = `audience: ${audience}\nemail: ${email}\n`
const start = Date.parse('2026-03-01T12:00:00Z')
const ours = generateKeyPairSync('rsa', { modulusLength: 2048 })
const theirs = generateKeyPairSync('rsa', { modulusLength: 2048 })

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const good = {
  aud: audience,
  azp: '113774264463038321964',
  email,
  sub: '113774264463038321964',
  email_verified: true,
  exp: start / 1000 + 3600,
  iat: start / 1000,
  iss: 'https://accounts.google.com',
}

function token(claims: object = {}, header: object = {}, key: KeyObject = ours.privateKey): string {
  const text = `${base64({ alg: 'RS256', kid: 'one', typ: 'JWT', ...header })}.${base64({ ...good, ...claims })}`
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`
}

const message = (data: unknown) => ({
  message: {
    data: Buffer.from(JSON.stringify(data)).toString('base64'),
    messageId: '136969346945',
    publishTime: '2026-03-01T12:00:00.000Z',
  },
  subscription: 'projects/my-project/subscriptions/cvmanager',
})
const inserted = message({
  action: 'INSERT',
  digest: 'us-east1-docker.pkg.dev/my-project/my-repo/hello-world@sha256:6ec128e26cd5',
  tag: 'us-east1-docker.pkg.dev/my-project/my-repo/hello-world:1.1',
})
const withToken = (text: string) => ({ headers: { authorization: `Bearer ${text}` } })

async function setUp(t: Test, keys: Readonly<Record<string, KeyObject>> = { one: ours.publicKey }) {
  const keyServer = { keys, away: false }
  const server = await peer(t, (_, response) => {
    if (keyServer.away) return void response.writeHead(503).end()
    const jwks = Object.entries(keyServer.keys).map(([kid, key]) => ({
      ...key.export({ format: 'jwk' }),
      kid,
      use: 'sig',
      alg: 'RS256',
    }))
    response
      .writeHead(200, { 'cache-control': 'public, max-age=600, must-revalidate' })
      .end(JSON.stringify({ keys: jwks }))
  })
  const clock = { now: start }
  return {
    ...(await webhookServer(t, 'gar', { secret, clock, keys: `http://${server.host}` })),
    keyServer,
    clock,
    asked: server.asked,
  }
}

t.test('an inserted image with a tag is a hint for that tag', async (t) => {
  const { send, hints, asked } = await setUp(t)
  t.equal((await send(inserted, withToken(token()))).status, 202)
  t.equal((await send(inserted, withToken(token()))).status, 202)
  t.same(
    hints,
    Array.from({ length: 2 }, () => 'us-east1-docker.pkg.dev/my-project/my-repo/hello-world:1.1'),
  )
  t.same(asked, ['GET /oauth2/v3/certs'], 'the keys are fetched once')
})

t.test('deletions and images without a tag are no hints, and anything else is malformed', async (t) => {
  const { send, hints } = await setUp(t)
  const digest = `us-east1-docker.pkg.dev/my-project/my-repo/hello-world@sha256:${'6'.repeat(64)}`
  const auth = withToken(token())
  t.equal((await send(message({ action: 'DELETE', tag: 'us-east1-docker.pkg.dev/a/b/c:1' }), auth)).status, 202)
  t.equal((await send(message({ action: 'INSERT', digest }), auth)).status, 202)
  t.equal((await send(message('text'), auth)).status, 202)
  t.equal((await send({ message: { data: 'bm8ganNvbg==' } }, auth)).status, 400)
  t.equal((await send({ message: { data: 'A'.repeat(5000) } }, auth)).status, 400)
  t.equal((await send({}, auth)).status, 400)
  t.same(hints, [])
})

t.test('S1 only a valid token that Google signed for this audience and account is accepted', async (t) => {
  const { send, hints, outcomes } = await setUp(t)
  const [head = '', body = '', signature = ''] = token().split('.')
  const hmac = `${base64({ alg: 'HS256', kid: 'one' })}.${body}`
  const refused = {
    none: '',
    'of another key': token({}, {}, theirs.privateKey),
    'of an unknown key': token({}, { kid: 'two' }),
    'without a key': token({}, { kid: undefined }),
    'unsigned, as "none"': `${base64({ alg: 'none', kid: 'one' })}.${body}.`,
    'with an HMAC': `${hmac}.${signature}`,
    'without a signature': `${head}.${body}.`,
    'with another body': `${head}.${base64({ ...good, extra: 1 })}.${signature}`,
    'with a part too many': `${token()}.x`,
    'for another audience': token({ aud: 'https://other.example.com' }),
    'for several audiences': token({ aud: [audience] }),
    'of another account': token({ email: 'other@my-project.iam.gserviceaccount.com' }),
    'of an unverified account': token({ email_verified: 'true' }),
    'of another issuer': token({ iss: 'https://accounts.example.com' }),
    expired: token({ exp: start / 1000 - 61 }),
    'of the future': token({ iat: start / 1000 + 61 }),
    'without a time': token({ exp: undefined }),
    'far too long': `${head}.${'A'.repeat(9000)}.${signature}`,
    garbage: 'a.b.c',
  }
  for (const [what, text] of Object.entries(refused)) t.equal((await send(inserted, withToken(text))).status, 401, what)
  t.equal((await send(inserted)).status, 401)
  t.same(hints, [])
  t.equal(outcomes.refused, Object.keys(refused).length + 1)
  t.equal(
    (await send(inserted, withToken(token({ exp: start / 1000 - 30, iat: start / 1000 + 30 })))).status,
    202,
    'R7 clocks differ',
  )
})

t.test('keys follow Google’s rotation, and are fetched at most once a minute, whatever tokens name', async (t) => {
  const { send, asked, keyServer, clock } = await setUp(t)
  t.equal((await send(inserted, withToken(token()))).status, 202)
  for (let i = 0; i < 20; i++) await send(inserted, withToken(token({}, { kid: `invented ${i}` })))
  t.equal(asked.length, 1)
  keyServer.keys = { two: theirs.publicKey }
  clock.now += 61_000
  t.equal((await send(inserted, withToken(token({}, { kid: 'two' }, theirs.privateKey)))).status, 202)
  t.equal((await send(inserted, withToken(token()))).status, 401, 'the old key is no longer valid')
  t.equal(asked.length, 2)
})

t.test('the sender gets 503 while keys cannot be fetched, and keys that have not expired stay in use', async (t) => {
  const { send, keyServer, clock, outcomes } = await setUp(t)
  keyServer.away = true
  const answer = await send(inserted, withToken(token()))
  t.equal(answer.status, 503)
  t.ok(answer.headers.get('retry-after'))
  keyServer.away = false
  clock.now += 61_000
  t.equal((await send(inserted, withToken(token()))).status, 202)
  keyServer.away = true
  clock.now += 500_000
  t.equal((await send(inserted, withToken(token()))).status, 202)
  clock.now += 200_000
  t.equal((await send(inserted, withToken(token()))).status, 503)
  t.same(outcomes, { unavailable: 2, looked: 2 })
})
