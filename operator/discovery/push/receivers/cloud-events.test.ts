// Forms: github.com/cloudevents/spec, cloudevents/bindings/http-protocol-binding.md and cloudevents/http-webhook.md
import t from 'tap'
import { bearer, refusesStrangers, secret, webhookServer } from './webhook-server.fixture.ts'

const image = 'registry.example.com/shop/web:env-prod'
const event = { specversion: '1.0', id: '1', source: '/ci', type: 'com.example.image.pushed', data: { image } }

t.test('an image in the data or in the subject is a hint, in all three modes', async (t) => {
  const { send, hints } = await webhookServer(t, 'cloudevents')
  const { data: _, ...bare } = event
  const bySubject = { ...bare, subject: image }
  const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/ci', 'ce-type': 'x' }
  await send(event, { ...bearer, type: 'application/cloudevents+json; charset=utf-8' })
  await send([event, bySubject], { ...bearer, type: 'application/cloudevents-batch+json' })
  await send({ image }, { headers: { ...bearer.headers, ...binary } })
  await send({}, { headers: { ...bearer.headers, ...binary, 'ce-subject': image } })
  await send(event, { query: `?access_token=${secret}` })
  t.same(
    hints,
    Array.from({ length: 6 }, () => image),
  )
})

t.test('an image without a tag is a hint for all tags of its repository; a digest alone moves no tag', async (t) => {
  const { send, hints } = await webhookServer(t, 'cloudevents')
  await send({ ...event, data: { image: 'nginx' } }, bearer)
  await send({ ...event, data: { image: `nginx@sha256:${'0'.repeat(64)}` } }, bearer)
  await send({ ...event, data: { image: 'Not an image' } }, bearer)
  t.same(hints, ['docker.io/library/nginx'])
})

t.test('a payload that is no CloudEvent is malformed', async (t) => {
  const { send } = await webhookServer(t, 'cloudevents')
  for (const payload of [{}, { image }, [event, {}], 'null']) t.equal((await send(payload, bearer)).status, 400)
})

t.test('S1 a CloudEvent needs the bearer token', async (t) => {
  await refusesStrangers(t, 'cloudevents', event, bearer)
})
