import t from 'tap'
import { loadSettings } from '../config/settings.ts'
import { secret, secretsFolder } from '../discovery/push/receivers/webhook-server.fixture.ts'
import { UsageError } from '../errors.ts'
import { createMetrics } from '../http/metrics.ts'
import { createLogger } from '../log/log.ts'
import { openPush } from './push.ts'

const log = createLogger({ logLevel: 'info', logFormat: 'json', to: { write: () => undefined } })
const alone = { following: () => undefined, leadersAnnotations: () => undefined }
const open = (flags: Record<string, string | readonly string[]>) =>
  openPush(loadSettings({ flags }), alone, log, createMetrics())

t.test('without any setting, no port is opened and no queue is read', async (t) => {
  const push = await open({})
  await push.startReading()
  await push.stopReading()
  await push.close()
  t.pass('nothing was there to close')
})

t.test('S1 settings that cannot work together are refused by name, before anything is opened', async (t) => {
  const refused = async (flags: Record<string, string | readonly string[]>, message: RegExp) => {
    const thrown = await open(flags).catch((error: unknown) => error)
    t.ok(thrown instanceof UsageError, String(message))
    t.match((thrown as Error).message, message)
  }
  await refused({ webhookPort: '9000' }, /^--webhook-secrets-dir is missing/)
  await refused({ webhooks: ['quay'] }, /^--webhook-port is missing/)
  await refused({ webhookPort: '8081' }, /^--webhook-port 8081: --port is the same; give each a port of its own/)
  const folder = await secretsFolder(t, { quay: secret })
  await refused(
    { webhookPort: '9000', webhookSecretsDir: folder, webhooks: ['ghcr'] },
    /^--webhook ghcr: there is no secret file ghcr/,
  )
  const account = '123456789012/ecr-events'
  await refused({ ecrEventsQueue: `http://sqs.eu-west-1.amazonaws.com/${account}` }, /write https:\/\//)
  t.throws(() => loadSettings({ flags: { ecrEventsQueue: 'arn:aws:sqs:eu-west-1:123456789012:ecr-events' } }), {
    message: /--ecr-events-queue: .*must be the URL of an SQS queue/,
  })
})
