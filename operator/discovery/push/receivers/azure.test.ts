// Payloads: learn.microsoft.com/azure/container-registry/container-registry-webhook-reference,
// .../azure/event-grid/event-schema-container-registry, .../azure/event-grid/end-point-validation-event-grid-events-schema
import t from 'tap'
import { refusesStrangers, secret, webhookServer } from './webhook-server.fixture.ts'

const pushed = {
  id: 'cb8c3971-9adc-488b-xxxx-43cbb4974ff5',
  timestamp: '2017-11-17T16:52:01.343145347Z',
  action: 'push',
  target: {
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    size: 524,
    digest: 'sha256:xxxxd5c8786bb9e621a45ece0dbxxxx1cdc624ad20da9fe62e9d25490f33xxxx',
    length: 524,
    repository: 'hello-world',
    tag: 'v1',
  },
  request: {
    id: '3cbb6949-7549-4fa1-xxxx-a6d5451dffc7',
    host: 'myregistry.azurecr.io',
    method: 'PUT',
    useragent: 'docker',
  },
}
const eventGrid = {
  id: '831e1650-001e-001b-66ab-eeb76e069631',
  topic: '/subscriptions/x/resourceGroups/y/providers/Microsoft.ContainerRegistry/registries/z',
  subject: 'hello-world:v1',
  eventType: 'Microsoft.ContainerRegistry.ImagePushed',
  eventTime: '2018-04-25T21:39:47.6549614Z',
  data: pushed,
  dataVersion: '1.0',
  metadataVersion: '1',
}
const good = { headers: { 'x-cvmanager-token': secret } }
const query = `?token=${secret}`

t.test('the registry’s own webhook and Event Grid’s events in both schemas are hints for the tag', async (t) => {
  const { send, hints } = await webhookServer(t, 'azure')
  const { eventType, ...rest } = eventGrid
  t.equal((await send(pushed, good)).status, 202)
  t.equal((await send([eventGrid], { query })).status, 202)
  t.equal(
    (await send({ ...rest, specversion: '1.0', type: eventType }, { ...good, type: 'application/cloudevents+json' }))
      .status,
    202,
  )
  t.same(
    hints,
    Array.from({ length: 3 }, () => 'myregistry.azurecr.io/hello-world:v1'),
  )
})

t.test('a ping, a deletion and other events are no hints', async (t) => {
  const { send, hints } = await webhookServer(t, 'azure')
  t.equal((await send({ id: 'x', timestamp: 'x', action: 'ping' }, good)).status, 202)
  t.equal((await send({ ...pushed, action: 'delete' }, good)).status, 202)
  t.equal((await send([{ ...eventGrid, eventType: 'Microsoft.ContainerRegistry.ChartPushed' }], good)).status, 202)
  t.equal((await send([{}], good)).status, 400)
  t.same(hints, [])
})

t.test('Event Grid’s handshake is answered only for senders that know the secret', async (t) => {
  const { send, hints } = await webhookServer(t, 'azure')
  const validation = [
    {
      id: '2d1781af-3a4c-4d7c-bd0c-e34b19da4e66',
      topic: '/subscriptions/xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx',
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      data: { validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6', validationUrl: 'https://evil.example.com' },
    },
  ]
  const answer = await send(validation, { query })
  t.match(answer, { status: 200, body: { validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' } })
  t.match(answer.headers.get('content-type'), 'application/json')
  t.equal((await send(validation)).status, 401)
  t.same(hints, [])
})

t.test('S1 Azure shows the secret in a header or in the URL', async (t) => {
  await refusesStrangers(t, 'azure', pushed, good)
})
