import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { bearer, githubSignature, secret, webhookServer } from '../discovery/push/receivers/webhook-server.fixture.ts'
import { maxPayloadBytes, serveWebhooks } from './webhook-routes.ts'

const events = { events: [] }

t.test('a request that is no webhook gets the status that says why', async (t) => {
  const { send, url, outcomes } = await webhookServer(t, 'distribution')
  t.equal((await fetch(url.replace('distribution', 'nothing'), { method: 'POST' })).status, 404)
  t.equal((await fetch(url.replace('distribution', 'quay'), { method: 'POST' })).status, 404, 'a kind without a secret')
  t.equal((await fetch(url.replace('/v1/hooks/distribution', '/metrics'))).status, 404)
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await send(events, { ...bearer, method })
    t.equal(answer.status, 405, method)
    t.equal(answer.headers.get('allow'), 'POST')
  }
  for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'text/json']) {
    t.equal((await send(JSON.stringify(events), { ...bearer, type })).status, 415, type)
  }
  t.equal((await send(events, { ...bearer, type: 'APPLICATION/JSON;charset=utf-8' })).status, 202)
  t.same(outcomes, { malformed: 9 })
})

t.test('a body of more than 1 MiB is refused, with or without a content length', async (t) => {
  const { send, url, hints } = await webhookServer(t, 'distribution')
  const padded = (size: number) => JSON.stringify({ events: [], padding: 'x'.repeat(size) })
  t.equal((await send(padded(maxPayloadBytes - 100), bearer)).status, 202)
  t.equal((await send(padded(maxPayloadBytes), bearer)).status, 413)
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(65_536, 0x20)) })
  const init = {
    method: 'POST',
    headers: { ...bearer.headers, 'content-type': 'application/json' },
    body: endless,
    duplex: 'half',
  }
  const answer = await fetch(url, init as RequestInit).then(
    ({ status }) => status,
    () => 'closed',
  )
  t.ok(answer === 413 || answer === 'closed', String(answer))
  t.same(hints, [])
})

t.test('the answer tells how many of the hints are followed', async (t) => {
  const { send } = await webhookServer(t, 'cloudevents', { follows: ({ tag }) => tag === 'env-prod' })
  const event = (image: string) => ({ specversion: '1.0', data: { image } })
  const answer = await send([event('x.example.com/a:env-prod'), event('x.example.com/a:other'), event('-')], bearer)
  t.match(answer, { status: 202, body: { hints: 2, followed: 1 } })
})

t.test(
  'a replica that does not lead answers 503 with Retry-After, but only to senders that know the secret',
  async (t) => {
    let leading = false
    const { send, outcomes } = await webhookServer(t, 'distribution', { isLeading: () => leading })
    const answer = await send(events, bearer)
    t.equal(answer.status, 503)
    t.equal(answer.headers.get('retry-after'), '5')
    t.equal(answer.headers.get('connection'), 'close', 'so that the next try may reach the leader')
    t.equal((await send(events)).status, 401)
    leading = true
    t.equal((await send(events, bearer)).status, 202)
    t.same(outcomes, { unavailable: 1, refused: 1 })
  },
)

t.test('S7 neither a secret nor a payload is logged, and refusals are logged once a minute', async (t) => {
  const { send, lines } = await webhookServer(t, 'quay')
  await send({ docker_url: 'quay.io/a/b', updated_tags: ['x'], note: 'private matter' }, { query: `?token=${secret}` })
  for (let i = 0; i < 50; i++) await send({}, { query: `?token=wrong-${secret}` })
  const log = lines.join('')
  t.notMatch(log, secret)
  t.notMatch(log, 'private matter')
  t.equal(lines.filter((line) => line.includes('was refused')).length, 1)
})

t.test('slow senders without a secret neither fill the memory nor keep others out', async (t) => {
  const { port, send, outcomes } = await webhookServer(t, 'ghcr')
  const slow = Array.from({ length: 40 }, () => {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.write(
      'POST /v1/hooks/ghcr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n' +
        `X-Hub-Signature-256: sha256=${'0'.repeat(64)}\r\n\r\n{`,
    )
    return socket
  })
  await sleep(300)
  t.equal(outcomes.unavailable, 8, 'from the 33rd on they are refused')
  const body = '{}'
  const signed = { headers: { 'x-github-event': 'ping', 'x-hub-signature-256': githubSignature(body) } }
  t.equal((await send(body, signed)).status, 503)
  for (const socket of slow) socket.destroy()
  await sleep(100)
  t.equal((await send(body, signed)).status, 202)
})

t.test('a port that is in use is refused with what to do', async (t) => {
  const { port } = await webhookServer(t, 'quay')
  const again = serveWebhooks({ port, receivers: new Map(), dispatcher: {} as never, log: {} as never })
  await t.rejects(again, { reason: 'PortUnavailable', message: /--webhook-port/ })
})
