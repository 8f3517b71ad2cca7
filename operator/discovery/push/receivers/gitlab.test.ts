// Payloads: docs.gitlab.com/administration/packages/container_registry (notifications, in distribution's form) and
// docs.gitlab.com/user/project/integrations/webhook_events#pipeline-events
import t from 'tap'
import { bearer, refusesStrangers, secret, webhookServer } from './webhook-server.fixture.ts'

const notification = {
  events: [
    {
      action: 'push',
      target: { repository: 'gitlab-org/shop/web', tag: 'env-prod' },
      request: { host: 'registry.gitlab.example.com' },
    },
  ],
}
const pipeline = {
  object_kind: 'pipeline',
  object_attributes: { id: 31, ref: 'master', status: 'success', detailed_status: 'passed' },
  project: {
    id: 1,
    name: 'Gitlab Test',
    web_url: 'https://gitlab.com/gitlab-org/Gitlab-Test',
    path_with_namespace: 'gitlab-org/Gitlab-Test',
  },
}
const good = { headers: { 'x-gitlab-token': secret, 'x-gitlab-event': 'Pipeline Hook' } }

t.test('a notification of GitLab’s registry is a hint for that tag', async (t) => {
  const { send, hints } = await webhookServer(t, 'gitlab')
  t.equal((await send(notification, bearer)).status, 202)
  t.same(hints, ['registry.gitlab.example.com/gitlab-org/shop/web:env-prod'])
})

t.test('a pipeline that succeeded is a hint for all images of its project', async (t) => {
  const { send, hints } = await webhookServer(t, 'gitlab')
  t.equal((await send(pipeline, good)).status, 202)
  const elsewhere = { ...pipeline, project: { ...pipeline.project, web_url: 'https://git.example.com/gitlab-org/x' } }
  await send(elsewhere, good)
  await send(elsewhere, { ...good, query: '?host=registry.example.com' })
  t.same(hints, ['registry.gitlab.com/gitlab-org/gitlab-test/**', 'registry.example.com/gitlab-org/gitlab-test/**'])
})

t.test('pipelines that run or fail, and other events, are no hints', async (t) => {
  const { send, hints } = await webhookServer(t, 'gitlab')
  for (const status of ['running', 'failed', 5]) {
    t.equal((await send({ ...pipeline, object_attributes: { status } }, good)).status, 202)
  }
  t.equal((await send({ object_kind: 'push', project: pipeline.project }, good)).status, 202)
  t.equal((await send({ project: pipeline.project }, good)).status, 400)
  t.same(hints, [])
})

t.test('S1 GitLab shows the secret in its token header', async (t) => {
  await refusesStrangers(t, 'gitlab', pipeline, good)
})
