import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { TransientError } from '../errors.ts'
import { SteppedTime } from '../time/testing/stepped-time.ts'
import { type Failure, type Result, WorkQueue, type WorkQueueOptions } from './queue.ts'

function setUp(handle: WorkQueueOptions['handle'], options: Partial<WorkQueueOptions> = {}) {
  const time = new SteppedTime()
  const failures: Failure[] = []
  const { alarm } = time
  const queue = new WorkQueue({
    handle,
    onFailure: (failure) => failures.push(failure),
    clock: time,
    alarm,
    ...options,
  })
  queue.start()
  const began = time.now()
  return { queue, time, failures, elapsed: () => time.now() - began }
}

/** A handler that notes each call. */
const noting =
  (seen: unknown[], note: () => unknown, result: () => Result = () => ({})) =>
  async (): Promise<Result> => {
    seen.push(note())
    return result()
  }

/** A handler whose calls end when the test says so. */
function held() {
  const calls: { readonly key: string; end(result?: Result): void }[] = []
  const handle = (key: string) =>
    new Promise<Result>((resolve) => calls.push({ key, end: (result = {}) => resolve(result) }))
  return { calls, handle }
}

test('B42 a key is never reconciled twice at once; what is added meanwhile is reconciled once more', async (t) => {
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

test('a key that becomes due while it is being reconciled waits for its turn', async (t) => {
  const { calls, handle } = held()
  const { queue, time } = setUp(handle)
  queue.add('a')
  queue.addAfter('a', 1_000)
  await time.advance(2_000)
  t.equal(calls.length, 1)
  calls[0]?.end()
  await turn()
  t.equal(calls.length, 2)
})

test('as many keys as there are workers are reconciled side by side, in order of arrival', async (t) => {
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

test('nothing is reconciled before the start', async (t) => {
  const seen: string[] = []
  const queue = new WorkQueue({ handle: noting(seen, () => 'reconciled'), onFailure: () => undefined })
  queue.add('a')
  await turn()
  t.same(seen, [])
  queue.start()
  t.same(seen, ['reconciled'])
})

test('the earliest of several times counts, and a reconcile before it replaces it', async (t) => {
  const seen: number[] = []
  const { queue, time, elapsed } = setUp(noting(seen, () => elapsed()))
  queue.addAfter('a', 60_000)
  queue.addAfter('a', 5_000)
  queue.addAfter('a', 30_000)
  await time.advance(100_000)
  t.same(seen, [5_000])
  queue.addAfter('b', 10_000)
  queue.add('b')
  await time.advance(100_000)
  t.same(seen, [5_000, 100_000])
})

test('a result may ask for another reconcile', async (t) => {
  const seen: number[] = []
  const { queue, time, elapsed } = setUp(
    noting(
      seen,
      () => elapsed(),
      () => (seen.length < 3 ? { requeueAfterMs: 1_000 } : {}),
    ),
  )
  queue.add('a')
  await time.advance(60_000)
  t.same(seen, [0, 1_000, 2_000])
})

test('B39 a failed key is retried, later each time, until it succeeds', async (t) => {
  const seen: number[] = []
  const { queue, time, failures } = setUp(async () => {
    seen.push(time.now())
    if (seen.length <= 5) throw new Error('not yet')
    return {}
  })
  queue.add('a')
  await time.advance(600_000)
  t.equal(seen.length, 6)
  t.same(
    failures.map(({ key, failures }) => [key, failures]),
    [1, 2, 3, 4, 5].map((count) => ['a', count]),
  )
  t.ok((failures[4]?.retryInMs ?? 0) > (failures[0]?.retryInMs ?? 0) * 4)
  queue.add('a')
  await turn()
  t.equal(seen.length, 7)
})

test('a success resets the back-off, which never exceeds its limit', async (t) => {
  let calls = 0
  const { queue, time, failures } = setUp(async () => {
    if (calls++ % 20 === 19) return {}
    throw new Error('no')
  })
  queue.add('a')
  await time.advance(20 * 300_000)
  t.ok(Math.max(...failures.map(({ retryInMs }) => retryInMs)) <= 300_000)
  queue.add('a')
  await turn()
  t.equal(failures.at(-1)?.failures, 1)
})

test('a failure that the rest did not wait for is retried with back-off, or earlier if the handler asks for it', async (t) => {
  const seen: number[] = []
  const error = new TransientError('ApiServerUnavailable', 'an event was not written')
  const results: Result[] = [{ failure: error, requeueAfterMs: 60_000 }, { failure: error, requeueAfterMs: 10 }, {}]
  const { queue, time, failures, elapsed } = setUp(
    noting(
      seen,
      () => elapsed(),
      () => results.shift() ?? {},
    ),
  )
  queue.add('a')
  await time.advance(3_600_000)
  t.match(failures, [
    { error, failures: 1 },
    { error, failures: 2 },
  ])
  const [first = 0, second = 0, third = 0] = seen
  t.ok(first === 0 && second >= 250 && second <= 500, `${seen}`)
  t.equal(third, second + 10)
})

test('Retry-After takes precedence over the back-off', async (t) => {
  const { queue, failures } = setUp(async () => {
    throw new TransientError('RegistryThrottled', 'slow down', { retryAfterMs: 42_000 })
  })
  queue.add('a')
  await turn()
  t.equal(failures[0]?.retryInMs, 42_000)
})

test('B24 nothing that a handler or a listener throws ends the queue', async (t) => {
  const seen: string[] = []
  const handle = (key: string): Promise<Result> => {
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

test('failed keys are retried at once when the cause has passed', async (t) => {
  let away = true
  const seen: string[] = []
  const { queue, time } = setUp(async (key) => {
    if (away) throw new TransientError('ApiServerUnavailable', 'away')
    seen.push(key)
    return {}
  })
  queue.add('a')
  queue.add('b')
  await time.advance(60_000)
  away = false
  queue.retryFailed()
  await turn()
  t.same(seen, ['a', 'b'])
})

test('B23 B25 stop interrupts every wait, lets running handlers end, and starts nothing new', async (t) => {
  const { calls, handle } = held()
  const { queue, time } = setUp(handle, { workers: 1 })
  queue.add('running')
  queue.add('ready')
  queue.addAfter('later', 1_000)
  const stopped = queue.stop(2_000)
  calls[0]?.end({ requeueAfterMs: 10 })
  await stopped
  queue.add('new')
  await time.advance(10_000)
  t.same(
    calls.map(({ key }) => key),
    ['running'],
  )
  t.equal(time.pending, 0)
})

test('B23 stop does not wait forever for a handler that never ends', async (t) => {
  const { handle } = held()
  const { queue, time } = setUp(handle)
  queue.add('stuck')
  let stopped = false
  const stopping = queue.stop(2_000).then(() => {
    stopped = true
  })
  await time.advance(1_999)
  t.notOk(stopped)
  await time.advance(1)
  await stopping
})

test('B25 the stop signals the handler', async (t) => {
  const { queue } = setUp(
    (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  queue.add('a')
  await queue.stop()
  t.equal(queue.depth, 0)
})

test('B44 the heartbeat shows a handler that hangs and keys that no worker takes', async (t) => {
  const { handle, calls } = held()
  const { queue, time } = setUp(handle, { workers: 1 })
  t.same(queue.heartbeat(), { longestReadyMs: 0, longestRunningMs: 0 })
  queue.add('hangs')
  await time.advance(1_000)
  queue.add('waits')
  await time.advance(60_000)
  t.same(queue.heartbeat(), { longestReadyMs: 60_000, longestRunningMs: 61_000 })
  calls[0]?.end()
  await turn()
  t.same(queue.heartbeat(), { longestReadyMs: 0, longestRunningMs: 0 })
})

test('ten thousand keys that are due later share one timer', async (t) => {
  const seen: unknown[] = []
  const { queue, time } = setUp(noting(seen, () => time.now()))
  for (let index = 0; index < 10_000; index++) queue.addAfter(`shop/web-${index}`, 1_000 + index)
  t.equal(time.pending, 1)
  await time.advance(1_500)
  t.equal(seen.length, 501)
})
