/** SQS itself is moto's. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { MOTO_REGION, motoEnvironment, startMoto } from '../../../e2e/harness/moto.ts'
import { MotoQueue } from '../../../e2e/harness/moto-queue.ts'
import { until } from '../../../e2e/harness/until.ts'
import { UsageError } from '../../errors.ts'
import { createLogger } from '../../log/log.ts'
import type { Place } from '../polling/places.ts'
import { Dispatcher } from './dispatcher.ts'
import { openQueue, regionOf } from './queue.ts'
import { QueueReader } from './sqs.ts'

t.test('the region is that of the queue’s host, or else of the environment', async (t) => {
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
  const hearing: boolean[] = []
  const lines: string[] = []
  const looks = {
    lookNowAt: ({ repository, tag }: Place) => {
      if (repository.host === moto.host) hints.push(`${repository.path}:${tag}`)
      return repository.host === moto.host ? 1 : 0
    },
  }
  const reader = new QueueReader({
    queue: await openQueue({ url: queue.url, env: process.env }),
    dispatcher: new Dispatcher(
      () => looks,
      () => undefined,
    ),
    onHearing: (_, heard) => void hearing.push(heard),
    log: createLogger({ logLevel: 'info', logFormat: 'json', to: { write: (line) => void lines.push(line) } }),
  })
  t.teardown(() => reader.stop())
  return { moto, queue, hints, hearing, lines, reader }
}

t.test('an event in an SQS queue is taken at once, and deleted', async (t) => {
  const { moto, queue, hints, hearing, reader } = await reading(t)
  reader.start()
  await until('the long poll', () => moto.count('sqs:ReceiveMessage') === 1)
  const digest = `sha256:${'0'.repeat(64)}`
  await queue.sendPush('shop/web', 'env-prod', digest)
  await queue.sendPush('shop/web', 'env-test', digest)
  await until('the hints', () => hints.length === 2)
  await until('the queue to be empty', async () => (await queue.depth()) === 0)
  t.same(hints.sort(), ['shop/web:env-prod', 'shop/web:env-test'])
  t.same(hearing, [true])

  await queue.send('this is no event')
  await until('the poison to have been received', () => moto.count('sqs:ReceiveMessage') > 3)
  t.equal(await queue.depth(), 1, 'what cannot be read is left for the dead-letter queue')

  const began = performance.now()
  await reader.stop()
  t.ok(performance.now() - began < 1000, 'R6 it stops within a second in the midst of a long poll')
})

t.test('while SQS fails it is tried again, and read again afterwards', async (t) => {
  const { moto, queue, hints, hearing, lines, reader } = await reading(t)
  moto.faults.inject(
    { status: 403, body: '{"__type":"AccessDenied","message":"not allowed"}' },
    { when: ({ path }) => path === '/sqs:ReceiveMessage' },
  )
  reader.start()
  await until('polling to learn of it', () => hearing.includes(false))
  t.match(lines.join(), '--ecr-events-queue')
  t.notMatch(lines.join(), motoEnvironment.AWS_SECRET_ACCESS_KEY)
  const tries = moto.count('sqs:ReceiveMessage')
  await sleep(1500)
  t.ok(moto.count('sqs:ReceiveMessage') - tries <= 1, 'ever more slowly')
  moto.faults.clear()
  await queue.sendPush('shop/web', 'env-prod', 'sha256:0')
  await until('the hint', () => hints.length === 1, 20_000)
  t.same(hearing, [false, true])
})
