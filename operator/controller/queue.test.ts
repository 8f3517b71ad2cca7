import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { TransientError } from '../errors.ts'
import { SteppedTime } from '../time/testing/stepped-queue-time.ts'
import { type Failure, type Outcome, WorkQueue, type WorkQueueOptions } from './queue.ts'

function setUp(handle: WorkQueueOptions['handle'], options: Partial<WorkQueueOptions> = {}) {
  const time = new SteppedTime()
  const failures: Failure[] = []
  const queue = new WorkQueue({ handle, onFailure: (failure) => failures.push(failure), time, ...options })
  queue.start()
  return { queue, time, failures }
}

/** A handler that writes down at which time it was called. */
const noting =
  (seen: unknown[], note: () => unknown, outcome: () => Outcome = () => ({})) =>
  async (): Promise<Outcome> => {
    seen.push(note())
    return outcome()
  }

/** A handler whose calls end when the test says so. */
function held() {
  const calls: { readonly key: string; end(outcome?: Outcome): void }[] = []
  const handle = (key: string) =>
    new Promise<Outcome>((resolve) => calls.push({ key, end: (outcome = {}) => resolve(outcome) }))
  return { calls, handle }
}

test('B42 a key is never worked on twice at once; what comes in meanwhile is looked at once more', async (t) => {
  const { calls, handle } = held()
  const { queue } = setUp(handle)
  queue.add('a')
  queue.add('a')
  queue.add('a')
  t.equal(calls.length, 1)
  calls[0]?.end()
  await turn()
  t.equal(calls.length, 2)
  calls[1]?.end()
  await turn()
  t.equal(calls.length, 2)
  t.equal(queue.depth, 0)
})

test('a key that becomes due while it is worked on waits for its turn', async (t) => {
  const { calls, handle } = held()
  const { queue, time } = setUp(handle)
  queue.add('a')
  queue.addAfter('a', 1_000)
  await time.pass(2_000)
  t.equal(calls.length, 1)
  calls[0]?.end()
  await turn()
  t.equal(calls.length, 2)
})

test('keys are worked on side by side, as many as there are workers, in the order of arrival', async (t) => {
  const { calls, handle } = held()
  const { queue } = setUp(handle, { workers: 2 })
  for (const key of ['a', 'b', 'c', 'd', 'c']) queue.add(key)
  t.same(
    calls.map(({ key }) => key),
    ['a', 'b'],
  )
  calls[0]?.end()
  await turn()
  t.equal(calls[2]?.key, 'c')
})

test('urgent keys go first, find a worker of their own, and keep the others waiting for a second at most', async (t) => {
  const { calls, handle } = held()
  const { queue, time } = setUp(handle, { workers: 1 })
  const order = () => calls.map(({ key }) => key).join(' ')
  const end = async (key: string) => {
    calls.findLast((call) => call.key === key)?.end()
    await turn()
  }
  for (const key of ['a', 'b', 'c']) queue.add(key)
  queue.addUrgent('c')
  queue.addUrgent('d')
  t.equal(order(), 'a c', 'beside the one that is in no hurry')
  await end('a')
  t.equal(order(), 'a c', 'and before the next of those')
  await end('c')
  t.equal(order(), 'a c d')
  await time.pass(999)
  t.equal(order(), 'a c d')
  await time.pass(1)
  t.equal(order(), 'a c d b', 'd takes long, and b has waited for a second')
  queue.addUrgent('b')
  await end('b')
  t.equal(order(), 'a c d b', 'urgent or not, one look at a time, and one urgent key for each worker')
  await end('d')
  t.equal(order(), 'a c d b b')
  await end('b')
  t.equal(queue.depth, 0)
})

test('nothing is worked on before the start', async (t) => {
  const seen: string[] = []
  const queue = new WorkQueue({ handle: noting(seen, () => 'looked'), onFailure: () => undefined })
  queue.add('a')
  await turn()
  t.same(seen, [])
  queue.start()
  t.same(seen, ['looked'])
})

test('the earliest of several times counts, and a look before it replaces it', async (t) => {
  const seen: number[] = []
  const { queue, time } = setUp(noting(seen, () => time.now()))
  queue.addAfter('a', 60_000)
  queue.addAfter('a', 5_000)
  queue.addAfter('a', 30_000)
  await time.pass(100_000)
  t.same(seen, [5_000])
  queue.addAfter('b', 10_000)
  queue.add('b')
  await time.pass(100_000)
  t.same(seen, [5_000, 100_000])
})

test('an outcome may ask for another look', async (t) => {
  const seen: number[] = []
  const { queue, time } = setUp(
    noting(
      seen,
      () => time.now(),
      () => (seen.length < 3 ? { again: 1_000 } : {}),
    ),
  )
  queue.add('a')
  await time.pass(60_000)
  t.same(seen, [0, 1_000, 2_000])
})

test('B39 a key that failed is tried again, later each time, until it succeeds', async (t) => {
  const seen: number[] = []
  const { queue, time, failures } = setUp(async () => {
    seen.push(time.now())
    if (seen.length <= 5) throw new Error('not yet')
    return {}
  })
  queue.add('a')
  await time.pass(600_000)
  t.equal(seen.length, 6)
  t.same(
    failures.map(({ key, failures }) => [key, failures]),
    [1, 2, 3, 4, 5].map((count) => ['a', count]),
  )
  t.ok((failures[4]?.againInMs ?? 0) > (failures[0]?.againInMs ?? 0) * 4)
  queue.add('a')
  await turn()
  t.equal(seen.length, 7)
})

test('after a success the back-off begins anew, and it never exceeds its limit', async (t) => {
  let calls = 0
  const { queue, time, failures } = setUp(async () => {
    if (calls++ % 20 === 19) return {}
    throw new Error('no')
  })
  queue.add('a')
  await time.pass(20 * 300_000)
  t.ok(Math.max(...failures.map(({ againInMs }) => againInMs)) <= 300_000)
  queue.add('a')
  await turn()
  t.equal(failures.at(-1)?.failures, 1)
})

test('what the other side asked for is heeded: Retry-After before back-off', async (t) => {
  const { queue, failures } = setUp(async () => {
    throw new TransientError('RegistryThrottled', 'slow down', { retryAfterMs: 42_000 })
  })
  queue.add('a')
  await turn()
  t.equal(failures[0]?.againInMs, 42_000)
})

test('B24 nothing that a handler or a listener throws ends the loop', async (t) => {
  const seen: string[] = []
  const handle = (key: string): Promise<Outcome> => {
    seen.push(key)
    if (key === 'sync') throw new Error('at once')
    if (key === 'nothing') return Promise.reject(undefined)
    return Promise.resolve({})
  }
  const onFailure = () => {
    throw new Error('the listener too')
  }
  const { queue } = setUp(handle, { onFailure, workers: 1 })
  for (const key of ['sync', 'nothing', 'good']) queue.add(key)
  await turn()
  await turn()
  t.same(seen, ['sync', 'nothing', 'good'])
})

test('when a cause has passed, those who failed by it are tried at once', async (t) => {
  let away = true
  const seen: string[] = []
  const { queue, time } = setUp(async (key) => {
    if (away) throw new TransientError('ApiServerUnavailable', 'away')
    seen.push(key)
    return {}
  })
  queue.add('a')
  queue.add('b')
  await time.pass(60_000)
  away = false
  queue.hurry()
  await turn()
  t.same(seen, ['a', 'b'])
})

test('a key that is forgotten is not looked at again', async (t) => {
  const seen: string[] = []
  const { queue, time } = setUp(
    noting(
      seen,
      () => 'looked',
      () => ({ again: 1_000 }),
    ),
  )
  queue.add('a')
  await turn()
  queue.forget('a')
  await time.pass(10_000)
  t.same(seen, ['looked'])
})

test('B23 B25 stop interrupts every wait, lets what runs end, and begins nothing new', async (t) => {
  const { calls, handle } = held()
  const { queue, time } = setUp(handle, { workers: 1 })
  queue.add('running')
  queue.add('ready')
  queue.addAfter('later', 1_000)
  const stopped = queue.stop(2_000)
  calls[0]?.end({ again: 10 })
  await stopped
  queue.add('new')
  await time.pass(10_000)
  t.same(
    calls.map(({ key }) => key),
    ['running'],
  )
  t.equal(time.pending, 0)
})

test('B23 stop does not wait for ever for a handler that never ends', async (t) => {
  const { handle } = held()
  const { queue, time } = setUp(handle)
  queue.add('stuck')
  let stopped = false
  const stopping = queue.stop(2_000).then(() => {
    stopped = true
  })
  await time.pass(1_999)
  t.notOk(stopped)
  await time.pass(1)
  await stopping
})

test('B25 a handler hears of the stop', async (t) => {
  const { queue } = setUp(
    (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  queue.add('a')
  await queue.stop()
  t.equal(queue.depth, 0)
})

test('B44 the heartbeat tells of a handler that hangs and of keys that nobody takes up', async (t) => {
  const { handle, calls } = held()
  const { queue, time } = setUp(handle, { workers: 1 })
  t.same(queue.heartbeat(), { longestReadyMs: 0, longestRunningMs: 0 })
  queue.add('hangs')
  await time.pass(1_000)
  queue.add('waits')
  await time.pass(60_000)
  t.same(queue.heartbeat(), { longestReadyMs: 60_000, longestRunningMs: 61_000 })
  calls[0]?.end()
  await turn()
  t.same(queue.heartbeat(), { longestReadyMs: 0, longestRunningMs: 0 })
})

test('ten thousand keys that are due later cost one timer', async (t) => {
  const seen: unknown[] = []
  const { queue, time } = setUp(noting(seen, () => time.now()))
  for (let index = 0; index < 10_000; index++) queue.addAfter(`shop/web-${index}`, 1_000 + index)
  t.equal(time.pending, 1)
  await time.pass(1_500)
  t.equal(seen.length, 501)
})
