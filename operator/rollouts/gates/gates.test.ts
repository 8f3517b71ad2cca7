import { test } from 'tap'
import type { PastRollout } from '../../api/status.ts'
import { timestamp } from '../../time/clock.ts'
import { epoch, object, version } from '../plan/plan.fixture.ts'
import type { Gate } from './gate.ts'
import { gates, passage } from './gates.ts'
import { imageReset } from './image-reset.ts'
import { quarantine } from './quarantine.ts'

const candidate = version('v2')

const ended = (agoSeconds: number, given: Partial<PastRollout> = {}): PastRollout => ({
  id: `r${agoSeconds}`,
  digest: candidate.digest,
  version: 'v2',
  outcome: 'Succeeded',
  startTime: timestamp(epoch - agoSeconds * 1000),
  endTime: timestamp(epoch - agoSeconds * 1000),
  duration: '0s',
  ...given,
})

for (const gate of gates) {
  test(`${gate.name}: an object without a past is let through, and asking changes nothing`, async (t) => {
    const asked = object()
    const copy = structuredClone(asked)
    t.same(gate.check(asked, candidate, epoch), { verdict: 'open' })
    t.same(asked, copy)
  })
}

test('a failed digest is held under the spec under which it failed, and under no other', async (t) => {
  const entry = {
    digest: candidate.digest,
    version: 'v2',
    outcome: 'RolledBack' as const,
    message: 'it crashed',
    since: timestamp(epoch),
    generation: 1,
  }
  const held = object({ quarantined: [entry] })
  t.match(quarantine.check(held, candidate, epoch), { verdict: 'held', by: 'Quarantine', message: /it crashed/ })
  t.match(quarantine.check({ ...held, generation: 2 }, candidate, epoch), { verdict: 'open' })
  t.match(quarantine.check(held, version('v3'), epoch), { verdict: 'open' })
})

test('an image that is set back is put right at once, and from the second time on ever more slowly', async (t) => {
  const check = (...rollouts: PastRollout[]) => imageReset.check(object({ rollouts }), candidate, epoch)
  t.match(check(ended(1)), { verdict: 'open' }, 'once')
  t.match(check(ended(1), ended(20)), { verdict: 'held', until: epoch + 29_000 })
  t.match(check(ended(1), ended(20), ended(40)), { verdict: 'held', until: epoch + 59_000 })
  t.match(check(ended(31), ended(50)), { verdict: 'open' }, 'the delay has passed')
  t.match(check(ended(1), ended(700)), { verdict: 'open' }, 'too long ago to be a fight')
  t.match(check(ended(1), ended(20, { digest: 'sha256:other' })), { verdict: 'open' }, 'another version')
})

test('the first gate that holds a version back is the one that is told', async (t) => {
  const closed = (name: string): Gate => ({ name, check: () => ({ verdict: 'held', by: name, message: name }) })
  t.match(passage([imageReset, closed('One'), closed('Two')], object(), candidate, epoch), { by: 'One' })
  t.match(passage([], object(), candidate, epoch), { verdict: 'open' })
})
