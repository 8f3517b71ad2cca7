/** Two replicas: what becomes of a webhook that reaches the one that does not lead. */
import type { RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { webServer } from '../../../e2e/harness/web-server.ts'
import { addressOf, forwardedHeader } from './leader-forwarder.ts'
import {
  bearer,
  githubSignature,
  type ReplicaOptions,
  secret,
  webhookServer,
} from './receivers/webhook-server.fixture.ts'

const image = 'registry.example.com/shop/web:env-prod'
const event = { specversion: '1.0', data: { image } }

async function replicas(t: Test, kind: string, leads: ReplicaOptions = {}) {
  const leader = await webhookServer(t, kind, leads)
  const address = `127.0.0.1:${leader.port}`
  const standby = await webhookServer(t, kind, { isLeading: () => false, leaderAddress: () => address })
  return { leader, standby }
}

/** Another server at the leader's address. */
const someone = async (t: Test, answer: RequestListener): Promise<string> => `127.0.0.1:${await webServer(t, answer)}`

const standbyOf = (t: Test, address: string | undefined, ownAddress = '127.0.0.1') =>
  webhookServer(t, 'cloudevents', { isLeading: () => false, leaderAddress: () => address, ownAddress })

t.test('a webhook is forwarded to the leader, and the sender gets its answer', async (t) => {
  const { leader, standby } = await replicas(t, 'cloudevents', { follows: () => false })
  const answer = await standby.send(event, bearer)
  t.match(answer, { status: 202, body: { hints: 1, followed: 0 } })
  t.same(leader.hints, [image])
  t.same(standby.hints, [])
  t.same(standby.outcomes, { forwarded: 1 })
  t.same(leader.outcomes, { unknown: 1 }, 'the leader counts the hints')
})

t.test('the leader gets the URL with its secret and host, the headers, and every byte that was signed', async (t) => {
  const inUrl = await replicas(t, 'quay')
  const pushed = { docker_url: 'quay.internal/a/b', updated_tags: ['x'] }
  t.equal((await inUrl.standby.send(pushed, { query: `?token=${secret}&host=quay.example.com` })).status, 202)
  t.same(inUrl.leader.hints, ['quay.example.com/a/b:x'])

  const signed = await replicas(t, 'ghcr')
  const body = '{ "zen":\t"\\u00e9é" }\n'
  const headers = { 'x-github-event': 'ping', 'x-hub-signature-256': githubSignature(body) }
  t.equal((await signed.standby.send(body, { headers })).status, 202)
  t.same(signed.leader.outcomes, { ignored: 1 }, 'a ping has no hint')
  t.same(signed.standby.outcomes, { forwarded: 1 })
})

t.test('S1 unauthenticated webhooks are not forwarded, and the leader checks the secret itself', async (t) => {
  const { leader, standby } = await replicas(t, 'cloudevents', { secret: 'another-secret-of-the-leader' })
  t.equal((await standby.send(event)).status, 401)
  t.same(leader.outcomes, {})
  const answer = await standby.send(event, bearer)
  t.equal(answer.status, 503, 'the leader may read its new secret some seconds later')
  t.equal(answer.headers.get('retry-after'), '5')
  t.same(leader.outcomes, { refused: 1 })
  t.same(leader.hints, [])
  t.notMatch([...standby.lines, ...leader.lines].join(''), secret)
})

t.test('a malformed webhook is refused without asking the leader', async (t) => {
  const { leader, standby } = await replicas(t, 'cloudevents')
  t.equal((await standby.send({ nothing: 1 }, bearer)).status, 400)
  t.same(leader.outcomes, {})
})

t.test('a webhook is forwarded once, also between two replicas that each take the other for the leader', async (t) => {
  const ports: number[] = []
  const other = (own: number) => () => {
    const port = ports.find((each) => each !== ports[own])
    return port === undefined ? undefined : `127.0.0.1:${port}`
  }
  const one = await webhookServer(t, 'cloudevents', { isLeading: () => false, leaderAddress: other(0) })
  const two = await webhookServer(t, 'cloudevents', { isLeading: () => false, leaderAddress: other(1) })
  ports.push(one.port, two.port)
  const answer = await one.send(event, bearer)
  t.equal(answer.status, 503)
  t.same([one.outcomes, two.outcomes], [{ unavailable: 1 }, { unavailable: 1 }])
  const marked = { headers: { ...bearer.headers, [forwardedHeader]: '1' } }
  t.equal((await one.send(event, marked)).status, 503)
  t.same(two.outcomes, { unavailable: 1 }, 'it was not forwarded again')
})

t.test('the sender gets 503 with Retry-After while there is no leader', async (t) => {
  const gone = await someone(t, () => undefined)
  for (const address of [undefined, '127.0.0.1:1', gone]) {
    const { send, outcomes } = await standbyOf(t, address)
    const began = performance.now()
    const answer = await send(event, bearer)
    t.equal(answer.status, 503, String(address))
    t.equal(answer.headers.get('retry-after'), '5')
    t.same(outcomes, { unavailable: 1 })
    t.ok(performance.now() - began < 5_000, 'within the deadline of three seconds')
  }
})

t.test(
  'S4 webhooks go only to an IP address, and never to the metadata service, to loopback, or where it redirects',
  async (t) => {
    const seen: string[] = []
    const trap = await someone(t, (request, response) => {
      seen.push(request.url ?? '')
      response.writeHead(202).end('{"hints":1,"followed":1}')
    })
    const redirecting = await someone(t, (_, response) => {
      response.writeHead(307, { location: `http://${trap}/v1/hooks/cloudevents` }).end()
    })
    const port = trap.split(':')[1]
    for (const address of [
      redirecting,
      `localhost:${port}`,
      `evil@127.0.0.1:${port}`,
      `127.0.0.1:${port}/x`,
      `http://${trap}`,
      `127.1:${port}`,
      '169.254.169.254:80',
      '[fd00:ec2::254]:80',
      '[::ffff:169.254.169.254]:80',
      '127.0.0.1:99999',
      '',
    ]) {
      t.equal((await (await standbyOf(t, address)).send(event, bearer)).status, 503, address)
    }
    const elsewhere = await standbyOf(t, trap, '10.1.2.3')
    t.equal((await elsewhere.send(event, bearer)).status, 503, 'loopback is only for replicas on loopback')
    t.same(seen, [])
  },
)

t.test('S11 an answer that no leader would give counts as a failure', async (t) => {
  for (const text of ['', 'hello', '{}', 'null', '{"hints":"1","followed":1}', 'x'.repeat(5_000)]) {
    const odd = await someone(t, (_, response) => response.writeHead(202).end(text))
    t.equal((await (await standbyOf(t, odd)).send(event, bearer)).status, 503, text.slice(0, 40))
  }
})

t.test('at most 32 webhooks wait for the leader at once', async (t) => {
  const refused = Promise.withResolvers<void>()
  const slow = await someone(t, (_, response) => {
    void refused.promise.then(() => response.writeHead(202).end('{"hints":1,"followed":1}'))
  })
  const { send } = await standbyOf(t, slow)
  const statuses: number[] = []
  const sending = Array.from({ length: 40 }, async () => {
    statuses.push((await send(event, bearer)).status)
    if (statuses.length === 8) refused.resolve()
  })
  await refused.promise
  t.same(new Set(statuses), new Set([503]))
  await Promise.all(sending)
  t.equal(statuses.filter((status) => status === 202).length, 32)
  t.equal((await send(event, bearer)).status, 202, 'then there is room again')
})

t.test('a leader writes its own address, with the port of its webhooks', async (t) => {
  t.equal(addressOf('10.1.2.3', 9090), '10.1.2.3:9090')
  t.equal(addressOf('fd00::1', 9090), '[fd00::1]:9090')
  t.equal(addressOf('', 9090), undefined)
  t.equal(addressOf('pod.example.com', 9090), undefined)
  t.equal(addressOf('10.1.2.3', 0), undefined)
})
