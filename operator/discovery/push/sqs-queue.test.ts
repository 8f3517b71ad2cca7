/** moto stands in for SQS. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { MOTO_REGION, motoEnvironment, startMoto } from '../../../e2e/harness/moto.ts'
import { MotoQueue } from '../../../e2e/harness/moto-queue.ts'
import { until } from '../../../e2e/harness/until.ts'
import { UsageError } from '../../errors.ts'
import { createLogger } from '../../log/log.ts'
import { Dispatcher } from './dispatcher.ts'
import { EcrEventReader } from './ecr-event-reader.ts'
import type { PushHint } from './hint.ts'
import { openQueue, regionOf } from './sqs-queue.ts'

t.test('the region comes from the queue’s host, or else from the environment', async (t) => {
  const account = '123456789012/ecr-events'
  for (const [url, region] of [
    [`https://sqs.eu-west-1.amazonaws.com/${account}`, 'eu-west-1'],
    [`https://sqs.cn-north-1.amazonaws.com.cn/${account}`, 'cn-north-1'],
    [`https://sqs-fips.us-gov-west-1.amazonaws.com/${account}`, 'us-gov-west-1'],
    [`https://vpce-0a1b-2c3d.sqs.us-east-2.vpce.amazonaws.com/${account}`, 'us-east-2'],
  ] as const) {
    t.equal(regionOf(url, { AWS_REGION: 'elsewhere' }), region)
  }
  t.equal(regionOf(`http://127.0.0.1:4566/${account}`, { AWS_REGION: 'us-east-1' }), 'us-east-1')
  t.throws(() => regionOf(`http://127.0.0.1:4566/${account}`, {}), new UsageError('AWS_REGION'), UsageError)
})

async function reading(t: Test) {
  Object.assign(process.env, motoEnvironment, { AWS_REGION: MOTO_REGION })
  const moto = await startMoto()
  t.teardown(() => moto.stop())
  const queue = await MotoQueue.create(moto)
  t.teardown(() => queue.close())
  const hints: string[] = []
  const readable: boolean[] = []
  const lines: string[] = []
  const poller = {
    pollNowAt: ({ repository, tag }: PushHint) => {
      if (repository.host === moto.host) hints.push(`${repository.path}:${tag}`)
      return repository.host === moto.host ? 1 : 0
    },
  }
  const reader = new EcrEventReader({
    queue: await openQueue({ url: queue.url, env: process.env }),
    dispatcher: new Dispatcher(
      () => poller,
      () => undefined,
    ),
    onReadable: (isReadable) => void readable.push(isReadable),
    log: createLogger({ logLevel: 'info', logFormat: 'json', to: { write: (line) => void lines.push(line) } }),
  })
  t.teardown(() => reader.stop())
  return { moto, queue, hints, readable, lines, reader }
}

t.test('an event in an SQS queue becomes a hint at once, and is deleted', async (t) => {
  const { moto, queue, hints, readable, reader } = await reading(t)
  reader.start()
  await until('the long poll', () => moto.count('sqs:ReceiveMessage') === 1)
  const digest = `sha256:${'0'.repeat(64)}`
  await queue.sendPush('shop/web', 'env-prod', digest)
  await queue.sendPush('shop/web', 'env-test', digest)
  await until('the hints', () => hints.length === 2)
  await until('the queue to be empty', async () => (await queue.depth()) === 0)
  t.same(hints.sort(), ['shop/web:env-prod', 'shop/web:env-test'])
  t.same(readable, [true])

  await queue.send('this is not an event')
  await until('the malformed message to be received', () => moto.count('sqs:ReceiveMessage') > 3)
  t.equal(await queue.depth(), 1, 'a malformed message is left for the dead-letter queue')

  const began = performance.now()
  await reader.stop()
  t.ok(performance.now() - began < 1000, 'R6 it stops within a second during a long poll')
})

t.test('reading is retried while SQS fails, and goes on afterwards', async (t) => {
  const { moto, queue, hints, readable, lines, reader } = await reading(t)
  moto.faults.inject(
    { status: 403, body: '{"__type":"AccessDenied","message":"not allowed"}' },
    { when: ({ path }) => path === '/sqs:ReceiveMessage' },
  )
  reader.start()
  await until('the report that the queue cannot be read', () => readable.includes(false))
  t.match(lines.join(), '--ecr-events-queue')
  t.notMatch(lines.join(), motoEnvironment.AWS_SECRET_ACCESS_KEY)
  const tries = moto.count('sqs:ReceiveMessage')
  await sleep(1500)
  t.ok(moto.count('sqs:ReceiveMessage') - tries <= 1, 'retries become slower')
  moto.faults.clear()
  await queue.sendPush('shop/web', 'env-prod', 'sha256:0')
  await until('the hint', () => hints.length === 1, 20_000)
  t.same(readable, [false, true])
})
