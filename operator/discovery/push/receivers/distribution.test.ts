// Payloads: distribution.github.io/distribution/about/notifications, "Events"
import t from 'tap'
import { bearer, refusesStrangers, secret, webhookServer } from './webhook-server.fixture.ts'

const type = 'application/vnd.docker.distribution.events.v2+json'

const event = (more: object = {}, target: object = {}) => ({
  id: '320678d8-ca14-430f-8bb6-4ca139cd83f7',
  timestamp: '2016-03-09T14:44:26.402973972-08:00',
  action: 'push',
  target: {
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    size: 708,
    digest: 'sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf',
    length: 708,
    repository: 'hello-world',
    url: 'http://192.168.100.227:5000/v2/hello-world/manifests/sha256:fea8895f450959fa676bcc1df0611ea9',
    tag: 'latest',
    ...target,
  },
  request: {
    id: '6df24a34-0959-4923-81ca-14f09767db19',
    addr: '192.168.64.11:42961',
    host: '192.168.100.227:5000',
    method: 'PUT',
    useragent: 'curl/7.38.0',
  },
  actor: {},
  source: { addr: 'xtal.local:5000', instanceID: 'a53db899-3b4b-4a62-a067-8dd013beaca4' },
  ...more,
})

t.test('a push of a tag is a hint for that tag, at the host of the push', async (t) => {
  const { send, hints, outcomes } = await webhookServer(t, 'distribution')
  const answer = await send({ events: [event()] }, { ...bearer, type })
  t.match(answer, { status: 202, body: { hints: 1, followed: 1 } })
  t.same(hints, ['192.168.100.227:5000/hello-world:latest'])
  t.same(outcomes, { looked: 1 })
})

t.test('the webhook’s URL can name the host under which the images are followed', async (t) => {
  const { send, hints } = await webhookServer(t, 'distribution')
  await send({ events: [event({}, { repository: 'shop/web' })] }, { ...bearer, query: '?host=registry.example.com' })
  await send({ events: [event()] }, { ...bearer, query: '?host=registry.example.com/shop' })
  t.same(hints, ['registry.example.com/shop/web:latest'])
})

t.test('pulls, deletions and pushes by digest are no hints', async (t) => {
  const { send, hints, outcomes } = await webhookServer(t, 'distribution')
  const events = [
    event({ action: 'pull' }),
    event({ action: 'delete' }),
    event({}, { tag: undefined }),
    event({}, { tag: '' }),
  ]
  t.match(await send({ events }, bearer), { status: 202, body: { hints: 0 } })
  t.same(hints, [])
  t.same(outcomes, { ignored: 4 })
})

t.test('invalid names are ignored, and the others of the same payload count', async (t) => {
  const { send, hints, outcomes } = await webhookServer(t, 'distribution')
  const events = [
    event({}, { repository: '../../etc/passwd' }),
    event({}, { tag: 'a b' }),
    event({}, { tag: { $ne: 1 } }),
    event({}, { repository: 'x'.repeat(5000) }),
    event({ request: { host: 'bad host' } }),
    event({ request: null, target: null }),
    null,
    'text',
    [],
    event(),
  ]
  t.equal((await send({ events }, bearer)).status, 202)
  t.same(hints, ['192.168.100.227:5000/hello-world:latest'])
  t.same(outcomes, { looked: 1, ignored: 9 })
})

t.test('a payload without events, or with more than 100, is malformed', async (t) => {
  const { send, hints, outcomes } = await webhookServer(t, 'distribution')
  for (const payload of ['', '{', 'null', '[]', '{}', '{"events":{}}', `[${'['.repeat(200_000)}`]) {
    t.equal((await send(payload, bearer)).status, 400, payload.slice(0, 20))
  }
  t.match(await send({ events: Array.from({ length: 101 }, () => event()) }, bearer), {
    status: 400,
    body: { error: /more than 100/ },
  })
  t.equal((await send({ events: Array.from({ length: 100 }, () => event()) }, bearer)).status, 202)
  t.equal(hints.length, 100)
  t.equal(outcomes.malformed, 8)
})

t.test('S1 nothing is accepted without the secret, which may have each form that registries can send', async (t) => {
  await refusesStrangers(t, 'distribution', { events: [event()] }, bearer)
  const { send } = await webhookServer(t, 'distribution')
  const basic = `Basic ${Buffer.from(`registry:${secret}`).toString('base64')}`
  for (const authorization of [secret, `bearer ${secret}`, basic]) {
    t.equal((await send({ events: [event()] }, { headers: { authorization } })).status, 202, authorization)
  }
  t.equal((await send({ events: [] }, { query: `?token=${secret}` })).status, 401, 'but not in the URL')
})
