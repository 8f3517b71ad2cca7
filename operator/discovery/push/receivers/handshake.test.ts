// github.com/cloudevents/spec, cloudevents/http-webhook.md, "Abuse Protection";
// learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
import t from 'tap'
import { bearer, type SentRequest, secret, webhookServer } from './webhook-server.fixture.ts'

const asked = (headers: SentRequest['headers'], more: SentRequest = {}): SentRequest => ({
  method: 'OPTIONS',
  type: '',
  ...more,
  headers: { 'webhook-request-origin': 'eventgrid.azure.net', ...more.headers, ...headers },
})
const noBody = ''

for (const [kind, proofs] of [
  ['cloudevents', [bearer, { query: `?access_token=${secret}` }]],
  ['azure', [{ headers: { 'x-cvmanager-token': secret } }, { query: `?token=${secret}` }, bearer]],
] as const) {
  t.test(`${kind}: a sender with the secret is allowed to send`, async (t) => {
    const { send, hints, outcomes } = await webhookServer(t, kind)
    for (const proof of proofs) {
      const { status, headers } = await send(noBody, asked({}, proof))
      t.equal(status, 200)
      t.equal(headers.get('webhook-allowed-origin'), 'eventgrid.azure.net')
      t.equal(headers.get('webhook-allowed-rate'), '3000', 'both headers are needed, whatever was asked')
      t.equal(headers.get('allow'), 'POST')
    }
    t.same([hints, outcomes], [[], {}])
  })

  t.test(`S1 ${kind}: a sender without the secret is refused`, async (t) => {
    const { send, outcomes } = await webhookServer(t, kind)
    for (const proof of [{}, { query: '?token=wrong-secret-wrong&access_token=wrong-secret-wrong' }]) {
      const { status, headers } = await send(noBody, asked({}, proof))
      t.equal(status, 401)
      t.equal(headers.get('webhook-allowed-origin'), null)
    }
    t.same(outcomes, { refused: 2 })
  })
}

t.test('the allowed rate is at most what was asked for, and at most 3000 a minute', async (t) => {
  const { send } = await webhookServer(t, 'cloudevents')
  for (const [wanted, allowed] of [
    ['120', '120'],
    ['3001', '3000'],
    ['4000000000', '3000'],
    ['*', '3000'],
  ] as const) {
    const { headers } = await send(noBody, asked({ 'webhook-request-rate': wanted }, bearer))
    t.equal(headers.get('webhook-allowed-rate'), allowed, wanted)
  }
  for (const wanted of ['0', '-1', '1e3', 'many']) {
    const { status, headers } = await send(noBody, asked({ 'webhook-request-rate': wanted }, bearer))
    t.equal(status, 400, wanted)
    t.equal(headers.get('webhook-allowed-origin'), null)
  }
})

t.test('the allowed origin is exactly the one that asked, and must be a name', async (t) => {
  const { send } = await webhookServer(t, 'cloudevents')
  for (const origin of ['eventemitter.example.com', '*.example.com', 'localhost:8080']) {
    const { headers } = await send(noBody, asked({ 'webhook-request-origin': origin }, bearer))
    t.equal(headers.get('webhook-allowed-origin'), origin)
  }
  for (const origin of ['<script>', 'a b', 'x'.repeat(300), 'https://example.com/']) {
    t.equal((await send(noBody, asked({ 'webhook-request-origin': origin }, bearer))).status, 400, origin)
  }
})

t.test('S4 the callback URL of a handshake is never called', async (t) => {
  const { send, url } = await webhookServer(t, 'cloudevents')
  const other = await webhookServer(t, 'quay')
  const { status } = await send(noBody, asked({ 'webhook-request-callback': other.url }, bearer))
  t.equal(status, 200)
  t.not(url, other.url)
  t.same(other.outcomes, {})
})

t.test('a replica that does not lead answers the handshake itself; other kinds have none', async (t) => {
  const standby = await webhookServer(t, 'cloudevents', { isLeading: () => false })
  t.equal((await standby.send(noBody, asked({}, bearer))).status, 200)
  const { send } = await webhookServer(t, 'distribution')
  const answer = await send(noBody, asked({}, bearer))
  t.equal(answer.status, 405)
  t.equal(answer.headers.get('webhook-allowed-origin'), null)
  t.equal(
    (await standby.send(noBody, { ...bearer, method: 'OPTIONS', type: '' })).status,
    405,
    'a request that asks nothing',
  )
})
