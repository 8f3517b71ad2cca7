// Payload: docs.docker.com/docker-hub/repos/manage/webhooks, "Example webhook payload"
import t from 'tap'
import { refusesStrangers, secret, webhookServer } from './webhook-server.fixture.ts'

const payload = (repository = 'svendowideit/testhook', tag: unknown = 'latest') => ({
  callback_url: 'https://registry.hub.docker.com/u/svendowideit/testhook/hook/2141b5bi5i5b02bec211i4eeih0242eg11000a/',
  push_data: { pushed_at: 1417566161, pusher: 'trustedbuilder', tag },
  repository: {
    comment_count: 0,
    is_official: false,
    is_private: true,
    name: 'testhook',
    namespace: 'svendowideit',
    owner: 'svendowideit',
    repo_name: repository,
    repo_url: 'https://registry.hub.docker.com/u/svendowideit/testhook/',
    status: 'Active',
  },
})
const query = `?token=${secret}`

t.test('a push is a hint for that tag of docker.io', async (t) => {
  const { send, hints } = await webhookServer(t, 'dockerhub')
  t.equal((await send(payload(), { query })).status, 202)
  await send(payload('nginx'), { query })
  await send(payload('evil.example.com/x'), { query })
  t.same(hints, [
    'docker.io/svendowideit/testhook:latest',
    'docker.io/library/nginx:latest',
    'docker.io/evil.example.com/x:latest',
  ])
})

t.test('a payload without a repository is malformed, one without a tag is ignored', async (t) => {
  const { send, hints, outcomes } = await webhookServer(t, 'dockerhub')
  t.equal((await send({}, { query })).status, 400)
  t.equal((await send([payload()], { query })).status, 400)
  t.equal((await send(payload('svendowideit/testhook', 5), { query })).status, 202)
  t.equal((await send(payload('Not/A/Name'), { query })).status, 202)
  t.same(hints, [])
  t.same(outcomes, { malformed: 2, ignored: 2 })
})

t.test('S1 Docker Hub shows the secret in the URL', async (t) => {
  await refusesStrangers(t, 'dockerhub', payload(), { query })
})

t.test('the payload’s callback URL is never called', async (t) => {
  const { send, hints } = await webhookServer(t, 'dockerhub')
  await send({ ...payload(), callback_url: 'http://169.254.169.254/latest/meta-data' }, { query })
  t.equal(hints.length, 1)
})
