import { test } from 'tap'
import type { PastRollout } from '../../api/status.ts'
import { timestamp } from '../../time/clock.ts'
import { epoch, object, version } from '../plan/plan.fixture.ts'
import type { Gate } from './gate.ts'
import { checkGates, gates } from './gates.ts'
import { imageReset } from './image-reset.ts'
import { quarantine } from './quarantine.ts'

const v2 = version('v2')

const ended = (agoSeconds: number, given: Partial<PastRollout> = {}): PastRollout => ({
  id: `r${agoSeconds}`,
  digest: v2.digest,
  version: 'v2',
  outcome: 'Succeeded',
  startTime: timestamp(epoch - agoSeconds * 1000),
  endTime: timestamp(epoch - agoSeconds * 1000),
  duration: '0s',
  ...given,
})

for (const gate of gates) {
  test(`${gate.name}: an object without past rollouts passes, and the check changes nothing`, async (t) => {
    const checked = object()
    const copy = structuredClone(checked)
    t.equal(gate.check(checked, v2, epoch), undefined)
    t.same(checked, copy)
  })
}

test('a failed digest is held under the spec under which it failed, and under no other', async (t) => {
  const entry = {
    digest: v2.digest,
    version: 'v2',
    outcome: 'RolledBack' as const,
    message: 'it crashed',
    since: timestamp(epoch),
    generation: 1,
  }
  const held = object({ quarantined: [entry] })
  t.match(checkGates([quarantine], held, v2, epoch), { by: 'Quarantine', message: /it crashed/ })
  t.equal(quarantine.check({ ...held, generation: 2 }, v2, epoch), undefined)
  t.equal(quarantine.check(held, version('v3'), epoch), undefined)
})

test('an image that was reset is put back at once, and later each time from the second time on', async (t) => {
  const check = (...rollouts: PastRollout[]) => imageReset.check(object({ rollouts }), v2, epoch)
  t.equal(check(ended(1)), undefined, 'once')
  t.match(check(ended(1), ended(20)), { until: epoch + 29_000 })
  t.match(check(ended(1), ended(20), ended(40)), { until: epoch + 59_000 })
  t.equal(check(ended(31), ended(50)), undefined, 'the delay has passed')
  t.equal(check(ended(1), ended(700)), undefined, 'too long ago')
  t.equal(check(ended(1), ended(20, { digest: 'sha256:other' })), undefined, 'another version')
})

test('the first gate that holds a version back gives the reason', async (t) => {
  const closed = (name: string): Gate => ({ name, check: () => ({ message: name }) })
  t.match(checkGates([imageReset, closed('One'), closed('Two')], object(), v2, epoch), { by: 'One' })
  t.equal(checkGates([], object(), v2, epoch), undefined)
})
