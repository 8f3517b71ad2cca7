import t from 'tap'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { HostQueue, type Limits } from './host-queue.ts'

function limited(limits: Partial<Limits> = {}) {
  const time = new SteppedTime()
  const queue = new HostQueue({ requestsPerSecond: 10, burst: 5, concurrency: 4, ...limits }, time, time.alarm)
  const entered: string[] = []
  const refused: unknown[] = []
  const enter = (name: string, urgent = false, signal?: AbortSignal) => {
    queue.enter('ann', urgent, signal).then(
      () => entered.push(name),
      (error: unknown) => refused.push(error),
    )
  }
  return { time, queue, entered, refused, enter }
}

t.test('after the burst, requests go at the given rate', async (t) => {
  const { time, queue, entered, enter } = limited()
  for (let i = 0; i < 30; i++) enter(`${i}`)
  for (let tenth = 0; tenth < 10; tenth++) {
    await time.advance(100)
    for (let i = 0; i < 4; i++) if (!queue.idle) queue.leave()
  }
  t.ok(entered.length >= 13 && entered.length <= 15, `5 at once and 10 in the second, were ${entered.length}`)
  t.same(
    entered,
    [...entered].sort((a, b) => Number(a) - Number(b)),
    'in the order of asking',
  )
})

t.test('a second request waits a moment for the first, so that a calm registry keeps one connection', async (t) => {
  const { time, queue, entered, enter } = limited()
  enter('one')
  enter('two')
  await time.advance(5)
  t.same(entered, ['one'])
  queue.leave()
  await time.advance(0)
  t.same(entered, ['one', 'two'])
})

t.test('a line that lasts opens more connections, up to the limit', async (t) => {
  const { time, entered, enter } = limited({ burst: 100 })
  for (let i = 0; i < 10; i++) enter(`${i}`)
  await time.advance(105)
  t.equal(entered.length, 2)
  await time.advance(500)
  t.equal(entered.length, 4)
})

t.test('an urgent request waits neither for a connection nor for a token', async (t) => {
  const { time, queue, entered, enter } = limited({ burst: 4, requestsPerSecond: 1 })
  for (let i = 0; i < 20; i++) enter(`${i}`)
  await time.advance(400)
  t.equal(entered.length, 4, 'all connections are in use, and no token is left')
  for (const name of ['now', 'and now']) enter(name, true)
  await time.advance(0)
  t.same(entered.slice(4), ['now', 'and now'])
  for (let i = 0; i < 4; i++) queue.leave()
  await time.advance(2_000)
  t.equal(entered.length, 6, 'the others wait until that credit is paid back')
  await time.advance(1_000)
  t.equal(entered.length, 7)
})

t.test('urgent requests have a limit too', async (t) => {
  const { time, entered, enter } = limited({ burst: 100 })
  for (let i = 0; i < 20; i++) enter(`${i}`, true)
  await time.advance(1_000)
  t.equal(entered.length, 8)
})

t.test('by default, the rate grows with the number of targets', async (t) => {
  const passSeconds = async (targets: number) => {
    const { time, queue, entered, enter } = limited({ requestsPerSecond: undefined, burst: 1_000, concurrency: 1_000 })
    queue.addTargets(targets)
    for (let i = 0; i < targets; i++) enter(`${i}`)
    let seconds = 0
    for (let left = targets; left > 0; seconds += 0.1) {
      await time.advance(100)
      for (; left > targets - entered.length; left--) queue.leave()
    }
    return seconds
  }
  t.ok((await passSeconds(2_000)) >= 4, '2,000 go at 200 a second, after a burst of 1,000')
  const large = await passSeconds(10_000)
  t.ok(large >= 6 && large <= 10, `10,000 took ${large.toFixed(1)} s`)
})

t.test(
  'jobs have a limit of their own, urgent jobs do not wait for the others, and a pause refuses all of them',
  async (t) => {
    const { time, queue } = limited({ concurrency: 2 })
    const begun: string[] = []
    const refused: number[] = []
    const add = (name: string, urgent = false) =>
      queue.addJob(
        { credential: 'ann', begin: () => begun.push(name), refuse: (pauseMs) => refused.push(pauseMs) },
        urgent,
      )
    for (const name of ['a', 'b', 'c']) add(name)
    add('now', true)
    t.same(begun, ['a', 'b', 'now'])
    t.equal(queue.waitingJobs, 1)
    queue.pause('ann', 3_000)
    await time.advance(1_000)
    add('d')
    t.same(refused, [3_000, 2_000])
    for (let i = 0; i < 3; i++) queue.endJob(false)
    await time.advance(2_000)
    add('e')
    t.same(begun, ['a', 'b', 'now', 'e'])
  },
)

t.test('after a pause, one request probes the registry before the others go', async (t) => {
  const { time, queue, entered, enter } = limited({ burst: 100 })
  queue.pause('ann', 1_000)
  await time.advance(1_000)
  for (let i = 0; i < 4; i++) enter(`${i}`, i > 1)
  await time.advance(500)
  t.same(entered, ['0'])
  queue.answered('ann')
  queue.leave()
  await time.advance(500)
  t.equal(entered.length, 4)
})

t.test('an urgent request goes first, and does not wait for the one that is under way', async (t) => {
  const { time, entered, enter } = limited()
  enter('one')
  enter('two')
  enter('now', true)
  await time.advance(0)
  t.same(entered, ['one', 'now'])
})

t.test('a pause refuses waiting and new requests until it is over', async (t) => {
  const { time, queue, entered, refused, enter } = limited()
  enter('one')
  enter('two')
  await time.advance(0)
  t.equal(queue.pause('ann', 3000), 3000)
  queue.leave()
  enter('three')
  await time.advance(1000)
  t.match(refused, [{ retryAfterMs: 3000 }, { retryAfterMs: 3000 }])
  await time.advance(2000)
  enter('four')
  await time.advance(0)
  t.same(entered, ['one', 'four'])
})

t.test('pauses without a Retry-After grow, and are short again after an answer', async (t) => {
  const { time, queue } = limited()
  t.equal(queue.pause('ann', undefined), 5000)
  await time.advance(5000)
  t.equal(queue.pause('ann', undefined), 10_000)
  await time.advance(10_000)
  queue.answered('ann')
  t.equal(queue.pause('ann', undefined), 5000)
})

t.test('B25 an aborted request leaves the queue at once', async (t) => {
  const { time, queue, entered, refused, enter } = limited()
  const aborting = new AbortController()
  enter('one')
  enter('two', false, aborting.signal)
  aborting.abort(new Error('aborted'))
  await time.advance(0)
  t.match(refused, [{ message: 'aborted' }])
  queue.leave()
  await time.advance(1000)
  t.same(entered, ['one'])
  t.ok(queue.idle)
})

t.test(
  "a pause is for the credential that was refused, and holds the others' requests for ten seconds at most",
  async (t) => {
    const { time, queue } = limited({ burst: 100 })
    const began: string[] = []
    const put: Record<string, number> = {}
    const job = (credential: string) =>
      queue.addJob(
        {
          credential,
          begin: () => began.push(credential),
          refuse: (pauseMs) => {
            put[credential] = pauseMs
          },
        },
        false,
      )
    t.equal(queue.pause('ann', 3_600_000), 3_600_000)
    for (const credential of ['ann', 'bob', 'anonymous']) job(credential)
    t.same(put, { ann: 3_600_000, bob: 10_000, anonymous: 10_000 })
    await time.advance(10_000)
    queue.pause('ann', 3_590_000)
    for (const credential of ['ann', 'bob', 'anonymous']) job(credential)
    t.same(began, ['bob', 'anonymous'], 'a poll of hers that was under way pauses nobody again')
    queue.answered('bob')
    await t.rejects(queue.enter('ann', true, undefined), { name: 'Paused', retryAfterMs: 3_590_000 })
    await queue.enter('bob', false, undefined)
    await queue.enter('anonymous', true, undefined)
    await time.advance(3_590_000)
    job('ann')
    t.same(began, ['bob', 'anonymous', 'ann'])
  },
)

t.test(
  'pauses without a Retry-After grow for the credential that is refused again, whoever is answered meanwhile',
  async (t) => {
    const { time, queue } = limited()
    for (const pauseMs of [5_000, 10_000, 20_000, 40_000]) {
      t.equal(queue.pause('ann', undefined), pauseMs)
      t.equal(queue.pausedMs('bob'), Math.min(pauseMs, 10_000))
      await time.advance(pauseMs)
      queue.answered('bob')
    }
    queue.answered('ann')
    t.equal(queue.pause('ann', undefined), 5_000)
  },
)

t.test("one credential's spent quota does not slow the others down", async (t) => {
  const enteredIn = async (annRemaining: number) => {
    const { time, queue, entered, enter } = limited({ burst: 100, requestsPerSecond: 100 })
    queue.heed('ann', { limit: 100, remaining: annRemaining })
    queue.heed('bob', { limit: 100, remaining: 5 })
    for (let i = 0; i < 20; i++) enter(`${i}`)
    for (let tenth = 0; tenth < 10; tenth++) {
      await time.advance(100)
      for (let left = 4; left > 0; left--) if (!queue.idle) queue.leave()
    }
    return entered.length
  }
  t.equal(await enteredIn(90), 20)
  t.ok((await enteredIn(9)) <= 2, 'both have little left')
})
