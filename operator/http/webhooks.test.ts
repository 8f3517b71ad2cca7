import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
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

const ping = (body: string) => ({ 'x-github-event': 'ping', 'x-hub-signature-256': githubSignature(body) })
const start = (kind: string, ...headers: readonly string[]): string =>
  [`POST /v1/hooks/${kind} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', ...headers, '', ''].join('\r\n')
const wrong = `X-Hub-Signature-256: sha256=${'0'.repeat(64)}`

/** What strangers may do to a server on the internet. */
const nuisances: readonly (readonly [string, number, string | Buffer])[] = [
  ['connections that send nothing', 600, ''],
  ['slow headers', 600, start('ghcr').slice(0, 40)],
  ['slow bodies', 600, `${start('ghcr', 'Content-Length: 1000', wrong)}{`],
  ['bodies without an end', 600, `${start('ghcr', 'Transfer-Encoding: chunked', wrong)}1\r\n{\r\n`],
  ['slow bodies for a kind without a secret', 600, `${start('harbor', 'Content-Length: 1000')}{`],
  [
    'large bodies that lack their last byte',
    40,
    Buffer.concat([
      Buffer.from(start('ghcr', `Content-Length: ${maxPayloadBytes}`, wrong)),
      Buffer.alloc(maxPayloadBytes - 1),
    ]),
  ],
]

for (const [what, count, bytes] of nuisances) {
  t.test(`strangers with ${what} keep no sender out that knows the secret`, async (t) => {
    const { port, send } = await webhookServer(t, 'ghcr')
    strangers(t, port, count, bytes)
    await sleep(500)
    for (let times = 0; times < 5; times++) {
      const body = JSON.stringify({ times, padding: 'x'.repeat(20_000) })
      t.equal((await send(body, { headers: ping(body) })).status, 202)
    }
  })
}

t.test('strangers keep no sender out that proves itself by its headers, even if its body is slow', async (t) => {
  const { port } = await webhookServer(t, 'distribution')
  const real = conversation(t, port, start('distribution', 'Content-Length: 13', `Authorization: Bearer ${secret}`))
  await sleep(100)
  strangers(t, port, 600, `${start('distribution', 'Content-Length: 1000')}{`)
  await sleep(500)
  for (const part of ['{"eve', 'nts"', ':[]}']) {
    real.socket.write(part)
    await sleep(100)
  }
  t.match(await real.answer, /^HTTP\/1\.1 202/)
})

t.test('a body that is to prove its sender has three seconds, and the answer says so', async (t) => {
  const { port, outcomes } = await webhookServer(t, 'ghcr')
  const began = performance.now()
  const { answer } = conversation(t, port, `${start('ghcr', 'Content-Length: 1000', wrong)}{`)
  t.match(await answer, /^HTTP\/1\.1 408[\s\S]*three seconds/)
  t.ok(performance.now() - began < 5_000, 'and the connection is closed')
  t.same(outcomes, { malformed: 1 })
})

t.test('a body that is declared too large is refused before it is sent', async (t) => {
  const { port } = await webhookServer(t, 'ghcr')
  const { answer } = conversation(t, port, start('ghcr', 'Content-Length: 99999999999', wrong))
  t.match(await answer, /^HTTP\/1\.1 413/)
})

function conversation(t: Test, port: number, text: string) {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let received = ''
  const answer = new Promise<string>((resolve) => {
    socket.on('data', (bytes) => {
      received += bytes
    })
    socket.on('close', () => resolve(received))
    socket.on('error', () => resolve(received))
    socket.on('data', () => received.includes('\r\n\r\n') && received.startsWith('HTTP/1.1 202') && resolve(received))
  })
  socket.write(text)
  return { socket, answer }
}

/** They come back whenever they are cut off. */
function strangers(t: Test, port: number, count: number, bytes: string | Buffer): void {
  let ended = false
  const sockets = new Set<Socket>()
  const open = () => {
    if (ended) return
    const socket = connect(port, '127.0.0.1')
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      setTimeout(open, 500).unref()
    })
    socket.write(bytes)
  }
  for (let opened = 0; opened < count; opened++) open()
  t.teardown(() => {
    ended = true
    for (const socket of sockets) socket.destroy()
  })
}

t.test('a port that is in use is refused with what to do', async (t) => {
  const { port } = await webhookServer(t, 'quay')
  const again = serveWebhooks({ port, receivers: new Map(), dispatcher: {} as never, log: {} as never })
  await t.rejects(again, { reason: 'PortUnavailable', message: /--webhook-port/ })
})
