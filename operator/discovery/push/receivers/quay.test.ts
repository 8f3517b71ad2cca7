// Payloads: docs.quay.io/guides/notifications.html, "Repository Push" and "Dockerfile Build Queued"
import t from 'tap'
import { refusesStrangers, secret, webhookServer } from './webhook-server.fixture.ts'

const payload = {
  name: 'repository',
  repository: 'mynamespace/repository',
  namespace: 'mynamespace',
  docker_url: 'quay.io/mynamespace/repository',
  homepage: 'https://quay.io/repository/mynamespace/repository',
  updated_tags: ['latest', 'env-prod'],
}
const query = `?token=${secret}`

t.test('each updated tag is a hint, in the new and in the old form', async (t) => {
  const { send, hints } = await webhookServer(t, 'quay')
  t.match(await send(payload, { query }), { status: 202, body: { hints: 2 } })
  await send(
    { ...payload, updated_tags: { latest: 'b750fe79269d2ec9a3c593ef05b4332b1d1a02a62b4accb2c21d589ff2f5f2dc' } },
    { query },
  )
  await send(payload, { query: `${query}&host=quay.example.com:8443` })
  t.same(hints, [
    'quay.io/mynamespace/repository:latest',
    'quay.io/mynamespace/repository:env-prod',
    'quay.io/mynamespace/repository:latest',
    'quay.example.com:8443/mynamespace/repository:latest',
    'quay.example.com:8443/mynamespace/repository:env-prod',
  ])
})

t.test('builds and scans are no hints, and anything else is malformed', async (t) => {
  const { send, hints } = await webhookServer(t, 'quay')
  const { updated_tags: _, ...build } = payload
  t.equal((await send({ ...build, build_id: 'x', docker_tags: ['latest'] }, { query })).status, 202)
  t.equal((await send({ ...payload, updated_tags: [1, null, 'a b'] }, { query })).status, 202)
  t.equal((await send({ ...payload, updated_tags: null }, { query })).status, 202)
  t.equal((await send({ updated_tags: ['latest'] }, { query })).status, 400)
  t.equal((await send({ ...payload, updated_tags: Array.from({ length: 101 }, () => 'a') }, { query })).status, 400)
  t.same(hints, [])
})

t.test('S1 Quay shows the secret in the URL', async (t) => {
  await refusesStrangers(t, 'quay', payload, { query })
})
