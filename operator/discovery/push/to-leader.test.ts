/** Two replicas, one of which follows tags: what becomes of a webhook that reaches the other one. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { bearer, githubSignature, receiving, secret, type World } from './receivers/receiving.fixture.ts'
import { addressOf, forwardedHeader } from './to-leader.ts'

const image = 'registry.example.com/shop/web:env-prod'
const event = { specversion: '1.0', data: { image } }

async function replicas(t: Test, kind: string, leads: World = {}) {
  const leader = await receiving(t, kind, leads)
  const address = `127.0.0.1:${leader.port}`
  const standby = await receiving(t, kind, { leading: () => false, leaderAt: () => address })
  return { leader, standby }
}

/** What is at the leader's address instead of it. */
async function someone(t: Test, answer: Parameters<typeof createServer>[1]) {
  const server = createServer(answer as Parameters<typeof createServer>[1] & object)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const standbyOf = (t: Test, address: string | undefined, ownAddress = '127.0.0.1') =>
  receiving(t, 'cloudevents', { leading: () => false, leaderAt: () => address, ownAddress })

t.test('it is handed on to the leader, whose answer comes back', async (t) => {
  const { leader, standby } = await replicas(t, 'cloudevents', { follows: () => false })
  const answer = await standby.send(event, bearer)
  t.match(answer, { status: 202, body: { hints: 1, followed: 0 } })
  t.same(leader.hints, [image])
  t.same(standby.hints, [])
  t.same(standby.outcomes, { forwarded: 1 })
  t.same(leader.outcomes, { unknown: 1 }, 'the hints are counted where they are taken')
})

t.test('as it came: the URL with its secret and its host, the headers, every byte that was signed', async (t) => {
  const inUrl = await replicas(t, 'quay')
  const pushed = { docker_url: 'quay.internal/a/b', updated_tags: ['x'] }
  t.equal((await inUrl.standby.send(pushed, { query: `?token=${secret}&host=quay.example.com` })).status, 202)
  t.same(inUrl.leader.hints, ['quay.example.com/a/b:x'])

  const signed = await replicas(t, 'ghcr')
  const body = '{ "zen":\t"\\u00e9é" }\n'
  const headers = { 'x-github-event': 'ping', 'x-hub-signature-256': githubSignature(body) }
  t.equal((await signed.standby.send(body, { headers })).status, 202)
  t.same(signed.leader.outcomes, { ignored: 1 }, 'a ping holds no hint')
  t.same(signed.standby.outcomes, { forwarded: 1 })
})

t.test('S1 strangers are not handed on, and the leader wants the secret itself', async (t) => {
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

t.test('what is malformed is told so, without the leader', async (t) => {
  const { leader, standby } = await replicas(t, 'cloudevents')
  t.equal((await standby.send({ nothing: 1 }, bearer)).status, 400)
  t.same(leader.outcomes, {})
})

t.test('it is handed on once: two replicas that take each other for the leader end it', async (t) => {
  const ports: number[] = []
  const other = (own: number) => () => {
    const port = ports.find((each) => each !== ports[own])
    return port === undefined ? undefined : `127.0.0.1:${port}`
  }
  const one = await receiving(t, 'cloudevents', { leading: () => false, leaderAt: other(0) })
  const two = await receiving(t, 'cloudevents', { leading: () => false, leaderAt: other(1) })
  ports.push(one.port, two.port)
  const answer = await one.send(event, bearer)
  t.equal(answer.status, 503)
  t.same([one.outcomes, two.outcomes], [{ unavailable: 1 }, { unavailable: 1 }])
  const marked = { headers: { ...bearer.headers, [forwardedHeader]: '1' } }
  t.equal((await one.send(event, marked)).status, 503)
  t.same(two.outcomes, { unavailable: 1 }, 'it was not asked again')
})

t.test('where there is no leader to be had, the sender is told to come again', async (t) => {
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
  'S4 only an address is gone to, and never the metadata service, loopback, or where it redirects to',
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
    t.equal((await elsewhere.send(event, bearer)).status, 503, 'loopback is for neighbours on it')
    t.same(seen, [])
  },
)

t.test('S11 an answer that is no answer of ours is none', async (t) => {
  for (const text of ['', 'hello', '{}', 'null', '{"hints":"1","followed":1}', 'x'.repeat(5_000)]) {
    const odd = await someone(t, (_, response) => response.writeHead(202).end(text))
    t.equal((await (await standbyOf(t, odd)).send(event, bearer)).status, 503, text.slice(0, 40))
  }
})

t.test('not more than 32 at once wait for the leader', async (t) => {
  const slow = await someone(t, (_, response) => {
    setTimeout(() => response.writeHead(202).end('{"hints":1,"followed":1}'), 800)
  })
  const { send } = await standbyOf(t, slow)
  const answers = await Promise.all(Array.from({ length: 40 }, () => send(event, bearer)))
  t.equal(answers.filter(({ status }) => status === 202).length, 32)
  t.equal(answers.filter(({ status }) => status === 503).length, 8)
  await sleep(10)
  t.equal((await send(event, bearer)).status, 202, 'and then there is room again')
})

t.test('the address that a leader writes is its own, with the port of its webhooks', async (t) => {
  t.equal(addressOf('10.1.2.3', 9090), '10.1.2.3:9090')
  t.equal(addressOf('fd00::1', 9090), '[fd00::1]:9090')
  t.equal(addressOf('', 9090), undefined)
  t.equal(addressOf('pod.example.com', 9090), undefined)
  t.equal(addressOf('10.1.2.3', 0), undefined)
})
