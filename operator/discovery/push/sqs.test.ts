import t, { type Test } from 'tap'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import type { Place } from '../polling/places.ts'
import { Dispatcher } from './dispatcher.ts'
import type { Message, Queue } from './queue.ts'
import { QueueReader } from './sqs.ts'

const push = (tag = 'latest') =>
  JSON.stringify({
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '123456789012',
    region: 'us-west-2',
    detail: { result: 'SUCCESS', 'repository-name': 'web', 'action-type': 'PUSH', 'image-tag': tag },
  })

/** A queue in memory, read by a reader whose time is stepped. */
function reading(t: Test) {
  const time = new SteppedTime()
  const world = {
    messages: [] as Message[],
    deleted: [] as string[],
    hints: [] as string[],
    outcomes: {} as Record<string, number>,
    hearing: [] as boolean[],
    lines: [] as string[],
    receives: 0,
    closed: false,
    failure: undefined as Error | undefined,
    deleteFailure: undefined as Error | undefined,
    /** What an empty queue does: waits as a long poll does, or answers at once. */
    waits: true,
  }
  const queue: Queue = {
    receive: async (signal) => {
      world.receives++
      if (world.failure) throw world.failure
      const messages = world.messages.splice(0, 10)
      if (messages.length > 0 || !world.waits) return messages
      return await new Promise((resolve, reject) => {
        const callOff = time.alarm(20_000, () => resolve([]))
        signal.addEventListener('abort', () => {
          callOff()
          reject(signal.reason)
        })
      })
    },
    delete: async (messages) => {
      if (world.deleteFailure) throw world.deleteFailure
      world.deleted.push(...messages.map(({ id }) => id))
    },
    close: () => {
      world.closed = true
    },
  }
  const looks = {
    lookNowAt: ({ repository, tag }: Place) => {
      if (!repository.host.includes('.dkr.ecr.')) return 0
      world.hints.push(`${repository.host}/${repository.path}:${tag}`)
      return tag === 'unknown' ? 0 : 1
    },
  }
  const dispatcher = new Dispatcher(
    () => looks,
    (kind, outcome, count) => {
      world.outcomes[`${kind} ${outcome}`] = (world.outcomes[`${kind} ${outcome}`] ?? 0) + count
    },
  )
  const say = (level: string) => (fields: unknown, text?: string) => {
    if (level !== 'debug') world.lines.push(`${level} ${JSON.stringify(fields)} ${text ?? ''}`)
  }
  const log = { info: say('info'), warn: say('warn'), debug: say('debug') }
  const onHearing = (_: string, hearing: boolean) => void world.hearing.push(hearing)
  const reader = new QueueReader({ queue, dispatcher, onHearing, log, clock: time, alarm: time.alarm })
  t.teardown(() => reader.stop())
  const put = (body: string, more: Partial<Message> = {}) =>
    world.messages.push({ id: `m${world.messages.length}`, body, receipt: 'r', receives: 1, ...more })
  return { world, time, reader, put }
}

t.test('an event in the queue is a hint, and is deleted when it was taken', async (t) => {
  const { world, time, reader, put } = reading(t)
  put(push())
  put(push('unknown'))
  put('{"detail-type":"Object Created","source":"aws.s3"}')
  reader.start()
  await time.advance(1)
  t.same(world.hints, [
    '123456789012.dkr.ecr.us-west-2.amazonaws.com/web:latest',
    '123456789012.dkr.ecr.us-west-2.amazonaws.com/web:unknown',
  ])
  t.same(world.deleted, ['m0', 'm1', 'm2'])
  t.same(world.outcomes, { 'ecr-events looked': 1, 'ecr-events unknown': 1, 'ecr-events ignored': 1 })
  t.same(world.hearing, [true])
  await time.advance(60_000)
  t.equal(world.receives, 5, 'then one long poll after the other')
})

t.test(
  'a message that cannot be read stays for the dead-letter queue, and is deleted at its fifth receive',
  async (t) => {
    const { world, time, reader, put } = reading(t)
    put('poison')
    put('poison too', { receives: 5 })
    put(push())
    reader.start()
    await time.advance(1)
    t.same(world.deleted, ['m1', 'm2'])
    t.match(world.lines.join(), /warn .*"messageId":"m1".*deleted/)
    t.match(world.outcomes, { 'ecr-events malformed': 2, 'ecr-events looked': 1 })
  },
)

t.test('a queue that cannot be read is tried ever more slowly, and said once; polling learns of it', async (t) => {
  const { world, time, reader, put } = reading(t)
  reader.start()
  await time.advance(1)
  world.failure = new Error('AccessDenied')
  world.receives = 0
  await time.advance(20_000 + 600_000)
  t.ok(world.receives >= 12 && world.receives <= 20, `${world.receives} tries in ten minutes`)
  t.same(world.hearing, [true, false])
  t.equal(world.lines.length, 1)
  t.match(world.lines[0], /AccessDenied.*--ecr-events-queue/)
  world.failure = undefined
  put(push())
  await time.advance(60_000)
  t.same(world.hearing, [true, false, true])
  t.equal(world.hints.length, 1)
})

t.test('one failure that passes by itself is not a queue that cannot be read', async (t) => {
  const { world, time, reader } = reading(t)
  world.failure = new Error('socket hang up')
  reader.start()
  await time.advance(500)
  world.failure = undefined
  await time.advance(25_000)
  t.same(world.hearing, [true])
  t.same(world.lines, [])
})

t.test('B26 a queue that answers at once with nothing does not make it spin', async (t) => {
  const { world, time, reader } = reading(t)
  world.waits = false
  reader.start()
  await time.advance(10_000)
  t.ok(world.receives <= 11, `${world.receives} polls in 10 s`)
})

t.test('what cannot be deleted comes again and does no harm', async (t) => {
  const { world, time, reader, put } = reading(t)
  world.deleteFailure = new Error('throttled')
  put(push())
  reader.start()
  await time.advance(10)
  t.equal(world.hints.length, 1)
  world.deleteFailure = undefined
  put(push())
  await time.advance(2_000)
  t.equal(world.hints.length, 2)
  t.equal(world.deleted.length, 1)
})

t.test('R6 it stops at once, in the midst of a long poll or of a pause', async (t) => {
  for (const failure of [undefined, new Error('away')]) {
    const { world, time, reader } = reading(t)
    world.failure = failure
    reader.start()
    await time.advance(10)
    await reader.stop()
    t.ok(world.closed)
    const { receives } = world
    await time.advance(100_000)
    t.equal(world.receives, receives)
  }
  const { reader, world } = reading(t)
  await reader.stop()
  t.equal(world.receives, 0, 'also before it has begun')
})
