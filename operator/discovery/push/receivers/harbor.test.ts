// Payloads: goharbor.io/docs, "Configure Webhook Notifications", in the formats Default and CloudEvents
import t from 'tap'
import { refusesStrangers, secret, webhookServer } from './webhook-server.fixture.ts'

const data = {
  resources: [
    {
      digest: 'sha256:8a9e9863dbb6e10edb5adfe917c00da84e1700fa76e7ed02476aa6e6fb8ee0d8',
      tag: 'latest',
      resource_url: 'hub.harbor.com/test-webhook/debian:latest',
    },
  ],
  repository: {
    date_created: 1586922308,
    name: 'debian',
    namespace: 'test-webhook',
    repo_full_name: 'test-webhook/debian',
    repo_type: 'private',
  },
}
const own = { type: 'PUSH_ARTIFACT', occur_at: 1586922308, operator: 'admin', event_data: data }
const cloudEvent = {
  specversion: '1.0',
  id: '4b2f89a6-548d-4c12-9993-a1f5790b97d2',
  source: '/projects/1/webhook/policies/3',
  type: 'harbor.artifact.pushed',
  datacontenttype: 'application/json',
  time: '2023-04-03T06:23:21Z',
  data,
  operator: 'harbor-jobservice',
}
// Harbor sends the content of its field "Auth Header" unchanged.
const good = { headers: { authorization: secret } }

t.test('a pushed artifact is a hint for its tag, in both formats', async (t) => {
  const { send, hints } = await webhookServer(t, 'harbor')
  t.equal((await send(own, good)).status, 202)
  t.equal((await send(cloudEvent, { ...good, type: 'application/cloudevents+json' })).status, 202)
  await send(own, { ...good, query: '?host=registry.example.com' })
  t.same(hints, [
    'hub.harbor.com/test-webhook/debian:latest',
    'hub.harbor.com/test-webhook/debian:latest',
    'registry.example.com/test-webhook/debian:latest',
  ])
})

t.test('pulls, scans, and artifacts without a tag are no hints', async (t) => {
  const { send, hints } = await webhookServer(t, 'harbor')
  const untagged = {
    ...data,
    resources: [{ resource_url: `hub.harbor.com/test-webhook/debian@${data.resources[0]?.digest}` }],
  }
  t.equal((await send({ ...own, type: 'PULL_ARTIFACT' }, good)).status, 202)
  t.equal((await send({ ...own, type: 'SCANNING_COMPLETED', event_data: {} }, good)).status, 202)
  t.equal((await send({ ...own, event_data: untagged }, good)).status, 202)
  t.equal((await send({ ...own, event_data: {} }, good)).status, 400)
  t.equal((await send({ event_data: data }, good)).status, 400)
  t.same(hints, [])
})

t.test('S1 Harbor shows the secret in its auth header', async (t) => {
  await refusesStrangers(t, 'harbor', own, good)
})
