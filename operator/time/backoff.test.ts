import { test } from 'tap'
import { backoffMs, pause } from './backoff.ts'

const limits = { firstMs: 500, maxMs: 300_000 }

test('the wait doubles with each failure in a row, up to its limit', async (t) => {
  const longest = (failures: number) => backoffMs(failures, limits, () => 1)
  t.same([1, 2, 3, 4].map(longest), [500, 1000, 2000, 4000])
  t.equal(longest(20), 300_000)
  t.equal(longest(1_000_000), 300_000)
})

test('clients that failed together do not come back together', async (t) => {
  t.equal(
    backoffMs(1, limits, () => 0),
    250,
  )
  t.not(backoffMs(10, limits), backoffMs(10, limits))
})

test('B25 a pause ends at once when its signal fires, before it or during it', async (t) => {
  const stopping = new AbortController()
  const began = performance.now()
  const waiting = pause(60_000, stopping.signal)
  stopping.abort()
  await waiting
  await pause(60_000, stopping.signal)
  t.ok(performance.now() - began < 1_000)
})

test('a pause that nobody interrupts lasts its full time', async (t) => {
  const began = performance.now()
  await pause(30, new AbortController().signal)
  t.ok(performance.now() - began >= 25)
})
