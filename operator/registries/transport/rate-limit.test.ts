import t from 'tap'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { type Limits, RateLimit } from './rate-limit.ts'

function limited(limits: Partial<Limits> = {}) {
  const time = new SteppedTime()
  const limit = new RateLimit({ requestsPerSecond: 10, burst: 5, concurrency: 4, ...limits }, time, time.alarm)
  const entered: string[] = []
  const refused: unknown[] = []
  const enter = (name: string, urgent = false, signal?: AbortSignal) => {
    limit.enter(urgent, signal).then(
      () => entered.push(name),
      (error: unknown) => refused.push(error),
    )
  }
  return { time, limit, entered, refused, enter }
}

t.test('after the burst, requests go at the rate', async (t) => {
  const { time, limit, entered, enter } = limited()
  for (let i = 0; i < 30; i++) enter(`${i}`)
  for (let tenth = 0; tenth < 10; tenth++) {
    await time.advance(100)
    for (let i = 0; i < 4; i++) if (!limit.idle) limit.leave()
  }
  t.ok(entered.length >= 13 && entered.length <= 15, `5 at once and 10 in the second, were ${entered.length}`)
  t.same(
    entered,
    [...entered].sort((a, b) => Number(a) - Number(b)),
    'in the order of asking',
  )
})

t.test('a second request waits a moment for the first, so that a calm registry keeps one connection', async (t) => {
  const { time, limit, entered, enter } = limited()
  enter('one')
  enter('two')
  await time.advance(5)
  t.same(entered, ['one'])
  limit.leave()
  await time.advance(0)
  t.same(entered, ['one', 'two'])
})

t.test('a queue that lasts opens more connections, up to the bound', async (t) => {
  const { time, entered, enter } = limited({ burst: 100 })
  for (let i = 0; i < 10; i++) enter(`${i}`)
  await time.advance(25)
  t.equal(entered.length, 2)
  await time.advance(500)
  t.equal(entered.length, 4)
})

t.test('who is urgent goes first and waits for nobody', async (t) => {
  const { time, entered, enter } = limited()
  enter('one')
  enter('two')
  enter('now', true)
  await time.advance(0)
  t.same(entered, ['one', 'now'])
})

t.test('a pause refuses those who wait and those who come, until it is over', async (t) => {
  const { time, limit, entered, refused, enter } = limited()
  enter('one')
  enter('two')
  await time.advance(0)
  t.equal(limit.pause(3000), 3000)
  limit.leave()
  enter('three')
  await time.advance(1000)
  t.match(refused, [{ retryAfterMs: 3000 }, { retryAfterMs: 3000 }])
  await time.advance(2000)
  enter('four')
  await time.advance(0)
  t.same(entered, ['one', 'four'])
})

t.test('pauses without a named time grow, and start again after an answer', async (t) => {
  const { time, limit } = limited()
  t.equal(limit.pause(undefined), 5000)
  await time.advance(5000)
  t.equal(limit.pause(undefined), 10_000)
  await time.advance(10_000)
  limit.answered()
  t.equal(limit.pause(undefined), 5000)
})

t.test('B25 who is called off leaves the queue at once', async (t) => {
  const { time, limit, entered, refused, enter } = limited()
  const calledOff = new AbortController()
  enter('one')
  enter('two', false, calledOff.signal)
  calledOff.abort(new Error('called off'))
  await time.advance(0)
  t.match(refused, [{ message: 'called off' }])
  limit.leave()
  await time.advance(1000)
  t.same(entered, ['one'])
  t.ok(limit.idle)
})
