// github.com/cloudevents/spec, cloudevents/http-webhook.md, "Abuse Protection";
// learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
import t from 'tap'
import { bearer, receiving, type Sent, secret } from './receiving.fixture.ts'

const asked = (headers: Sent['headers'], more: Sent = {}): Sent => ({
  method: 'OPTIONS',
  type: '',
  ...more,
  headers: { 'webhook-request-origin': 'eventgrid.azure.net', ...more.headers, ...headers },
})
/** What a sender sends with OPTIONS: nothing. */
const nothing = ''

for (const [kind, proofs] of [
  ['cloudevents', [bearer, { query: `?access_token=${secret}` }]],
  ['azure', [{ headers: { 'x-cvmanager-token': secret } }, { query: `?token=${secret}` }, bearer]],
] as const) {
  t.test(`${kind}: a sender that asks whether it may send is told so, where it shows the secret`, async (t) => {
    const { send, hints, outcomes } = await receiving(t, kind)
    for (const proof of proofs) {
      const { status, headers } = await send(nothing, asked({}, proof))
      t.equal(status, 200)
      t.equal(headers.get('webhook-allowed-origin'), 'eventgrid.azure.net')
      t.equal(headers.get('webhook-allowed-rate'), '3000', 'consent needs both headers, whatever was asked')
      t.equal(headers.get('allow'), 'POST')
    }
    t.same([hints, outcomes], [[], {}])
  })

  t.test(`S1 ${kind}: strangers are allowed nothing`, async (t) => {
    const { send, outcomes } = await receiving(t, kind)
    for (const proof of [{}, { query: '?token=wrong-secret-wrong&access_token=wrong-secret-wrong' }]) {
      const { status, headers } = await send(nothing, asked({}, proof))
      t.equal(status, 401)
      t.equal(headers.get('webhook-allowed-origin'), null)
    }
    t.same(outcomes, { refused: 2 })
  })
}

t.test('the rate that is allowed is at most what was asked for, and what hints may cost', async (t) => {
  const { send } = await receiving(t, 'cloudevents')
  for (const [wanted, allowed] of [
    ['120', '120'],
    ['3001', '3000'],
    ['4000000000', '3000'],
    ['*', '3000'],
  ] as const) {
    const { headers } = await send(nothing, asked({ 'webhook-request-rate': wanted }, bearer))
    t.equal(headers.get('webhook-allowed-rate'), allowed, wanted)
  }
  for (const wanted of ['0', '-1', '1e3', 'many']) {
    const { status, headers } = await send(nothing, asked({ 'webhook-request-rate': wanted }, bearer))
    t.equal(status, 400, wanted)
    t.equal(headers.get('webhook-allowed-origin'), null)
  }
})

t.test('an origin is a name, and stars are allowed to nobody who did not ask for one', async (t) => {
  const { send } = await receiving(t, 'cloudevents')
  for (const origin of ['eventemitter.example.com', '*.example.com', 'localhost:8080']) {
    const { headers } = await send(nothing, asked({ 'webhook-request-origin': origin }, bearer))
    t.equal(headers.get('webhook-allowed-origin'), origin)
  }
  for (const origin of ['<script>', 'a b', 'x'.repeat(300), 'https://example.com/']) {
    t.equal((await send(nothing, asked({ 'webhook-request-origin': origin }, bearer))).status, 400, origin)
  }
})

t.test('S4 the address to confirm at, which a stranger may name, is never called', async (t) => {
  const { send, url } = await receiving(t, 'cloudevents')
  const other = await receiving(t, 'quay')
  const { status } = await send(nothing, asked({ 'webhook-request-callback': other.url }, bearer))
  t.equal(status, 200)
  t.not(url, other.url)
  t.same(other.outcomes, {})
})

t.test('a replica that does not follow tags allows it by itself; other kinds have no such handshake', async (t) => {
  const standby = await receiving(t, 'cloudevents', { leading: () => false })
  t.equal((await standby.send(nothing, asked({}, bearer))).status, 200)
  const { send } = await receiving(t, 'distribution')
  const answer = await send(nothing, asked({}, bearer))
  t.equal(answer.status, 405)
  t.equal(answer.headers.get('webhook-allowed-origin'), null)
  t.equal((await standby.send(nothing, { ...bearer, method: 'OPTIONS', type: '' })).status, 405, 'nothing was asked')
})
