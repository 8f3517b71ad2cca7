import t, { type Test } from 'tap'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { Dispatcher } from './dispatcher.ts'
import { EcrEventReader } from './ecr-event-reader.ts'
import type { PushHint } from './hint.ts'
import type { Message, Queue } from './sqs-queue.ts'

const push = (tag = 'latest') =>
  JSON.stringify({
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '123456789012',
    region: 'us-west-2',
    detail: { result: 'SUCCESS', 'repository-name': 'web', 'action-type': 'PUSH', 'image-tag': tag },
  })

/** A reader with stepped time, and a queue in memory. */
function reading(t: Test) {
  const time = new SteppedTime()
  const state = {
    messages: [] as Message[],
    deleted: [] as string[],
    hints: [] as string[],
    outcomes: {} as Record<string, number>,
    readable: [] as boolean[],
    lines: [] as string[],
    receives: 0,
    closed: false,
    failure: undefined as Error | undefined,
    deleteFailure: undefined as Error | undefined,
    /** Whether an empty queue waits, like a long poll, or answers at once. */
    waits: true,
  }
  const queue: Queue = {
    receive: async (signal) => {
      state.receives++
      if (state.failure) throw state.failure
      const messages = state.messages.splice(0, 10)
      if (messages.length > 0 || !state.waits) return messages
      return await new Promise((resolve, reject) => {
        const callOff = time.alarm(20_000, () => resolve([]))
        signal.addEventListener('abort', () => {
          callOff()
          reject(signal.reason)
        })
      })
    },
    delete: async (messages) => {
      if (state.deleteFailure) throw state.deleteFailure
      state.deleted.push(...messages.map(({ id }) => id))
    },
    close: () => {
      state.closed = true
    },
  }
  const poller = {
    pollNowAt: ({ repository, tag }: PushHint) => {
      if (!repository.host.includes('.dkr.ecr.')) return 0
      state.hints.push(`${repository.host}/${repository.path}:${tag}`)
      return tag === 'unknown' ? 0 : 1
    },
  }
  const dispatcher = new Dispatcher(
    () => poller,
    (kind, outcome, count) => {
      state.outcomes[`${kind} ${outcome}`] = (state.outcomes[`${kind} ${outcome}`] ?? 0) + count
    },
  )
  const say = (level: string) => (fields: unknown, text?: string) => {
    if (level !== 'debug') state.lines.push(`${level} ${JSON.stringify(fields)} ${text ?? ''}`)
  }
  const log = { info: say('info'), warn: say('warn'), debug: say('debug') }
  const onReadable = (readable: boolean) => void state.readable.push(readable)
  const reader = new EcrEventReader({ queue, dispatcher, onReadable, log, clock: time, alarm: time.alarm })
  t.teardown(() => reader.stop())
  const put = (body: string, more: Partial<Message> = {}) =>
    state.messages.push({ id: `m${state.messages.length}`, body, receipt: 'r', receives: 1, ...more })
  return { state, time, reader, put }
}

t.test('an event in the queue becomes a hint, and is then deleted', async (t) => {
  const { state, time, reader, put } = reading(t)
  put(push())
  put(push('unknown'))
  put('{"detail-type":"Object Created","source":"aws.s3"}')
  reader.start()
  await time.advance(1)
  t.same(state.hints, [
    '123456789012.dkr.ecr.us-west-2.amazonaws.com/web:latest',
    '123456789012.dkr.ecr.us-west-2.amazonaws.com/web:unknown',
  ])
  t.same(state.deleted, ['m0', 'm1', 'm2'])
  t.same(state.outcomes, { 'ecr-events looked': 1, 'ecr-events unknown': 1, 'ecr-events ignored': 1 })
  t.same(state.readable, [true])
  await time.advance(60_000)
  t.equal(state.receives, 5, 'then one long poll after another')
})

t.test('a malformed message stays for the dead-letter queue, and is deleted at its fifth receive', async (t) => {
  const { state, time, reader, put } = reading(t)
  put('poison')
  put('poison too', { receives: 5 })
  put(push())
  reader.start()
  await time.advance(1)
  t.same(state.deleted, ['m1', 'm2'])
  t.match(state.lines.join(), /warn .*"messageId":"m1".*deleted/)
  t.match(state.outcomes, { 'ecr-events malformed': 2, 'ecr-events looked': 1 })
})

t.test('a queue that cannot be read is retried more and more slowly, and logged and reported once', async (t) => {
  const { state, time, reader, put } = reading(t)
  reader.start()
  await time.advance(1)
  state.failure = new Error('AccessDenied')
  state.receives = 0
  await time.advance(20_000 + 600_000)
  t.ok(state.receives >= 12 && state.receives <= 20, `${state.receives} tries in ten minutes`)
  t.same(state.readable, [true, false])
  t.equal(state.lines.length, 1)
  t.match(state.lines[0], /AccessDenied.*--ecr-events-queue/)
  state.failure = undefined
  put(push())
  await time.advance(60_000)
  t.same(state.readable, [true, false, true])
  t.equal(state.hints.length, 1)
})

t.test('a single failure does not count as a queue that cannot be read', async (t) => {
  const { state, time, reader } = reading(t)
  state.failure = new Error('socket hang up')
  reader.start()
  await time.advance(500)
  state.failure = undefined
  await time.advance(25_000)
  t.same(state.readable, [true])
  t.same(state.lines, [])
})

t.test('B26 a queue that returns empty answers at once is not read in a tight loop', async (t) => {
  const { state, time, reader } = reading(t)
  state.waits = false
  reader.start()
  await time.advance(10_000)
  t.ok(state.receives <= 11, `${state.receives} polls in 10 s`)
})

t.test('a message that cannot be deleted comes back and does no harm', async (t) => {
  const { state, time, reader, put } = reading(t)
  state.deleteFailure = new Error('throttled')
  put(push())
  reader.start()
  await time.advance(10)
  t.equal(state.hints.length, 1)
  state.deleteFailure = undefined
  put(push())
  await time.advance(2_000)
  t.equal(state.hints.length, 2)
  t.equal(state.deleted.length, 1)
})

t.test('R6 the reader stops at once, during a long poll or a pause', async (t) => {
  for (const failure of [undefined, new Error('away')]) {
    const { state, time, reader } = reading(t)
    state.failure = failure
    reader.start()
    await time.advance(10)
    await reader.stop()
    t.ok(state.closed)
    const { receives } = state
    await time.advance(100_000)
    t.equal(state.receives, receives)
  }
  const { reader, state } = reading(t)
  await reader.stop()
  t.equal(state.receives, 0, 'also before it was started')
})
