import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { Deadline } from './deadline.ts'

test('it fires after its time, and is expired then', async (t) => {
  using deadline = new Deadline(10, undefined)
  await sleep(50)
  t.ok(deadline.signal.aborted)
  t.ok(deadline.expired)
})

test('it fires with the reason of the caller, and is not expired then', async (t) => {
  const caller = new AbortController()
  using deadline = new Deadline(60_000, caller.signal)
  caller.abort('enough')
  t.equal(deadline.signal.reason, 'enough')
  t.notOk(deadline.expired)
  using late = new Deadline(60_000, caller.signal)
  t.ok(late.signal.aborted)
})

test('its time can be extended', async (t) => {
  using deadline = new Deadline(20, undefined)
  deadline.extend(60_000)
  await sleep(60)
  t.notOk(deadline.signal.aborted)
})

test('it does not listen any more after it is disposed', async (t) => {
  const caller = new AbortController()
  const deadline = new Deadline(10, caller.signal)
  deadline[Symbol.dispose]()
  caller.abort()
  await sleep(30)
  t.notOk(deadline.signal.aborted)
})
