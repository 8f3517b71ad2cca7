import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { PastRollout } from '../../api/rollout-status.ts'
import { timestamp } from '../../time/clock.ts'
import { epoch, imageOf, object, observation, version, workload } from '../plan/plan.fixture.ts'
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

const seen = (checked: ContainerVersion) => observation({ object: checked })

for (const gate of gates) {
  test(`${gate.name}: an object without past rollouts passes, and the check changes nothing`, async (t) => {
    const checked = object()
    const copy = structuredClone(checked)
    t.equal(gate.check(seen(checked), v2), undefined)
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
  t.match(checkGates([quarantine], seen(held), v2), [{ by: 'Quarantine', message: /it crashed/ }])
  t.equal(quarantine.check(seen({ ...held, generation: 2 }), v2), undefined)
  t.equal(quarantine.check(seen(held), version('v3')), undefined)
})

test('an image that was reset is put back at once, and later each time from the second time on', async (t) => {
  const check = (...rollouts: PastRollout[]) => imageReset.check(seen(object({ rollouts })), v2)
  t.equal(check(ended(1)), undefined, 'once')
  t.match(check(ended(1), ended(20)), { until: epoch + 29_000 })
  t.match(check(ended(1), ended(20), ended(40)), { until: epoch + 59_000 })
  t.equal(check(ended(31), ended(50)), undefined, 'the delay has passed')
  t.equal(check(ended(1), ended(700)), undefined, 'too long ago')
  t.equal(check(ended(1), ended(20, { digest: 'sha256:other' })), undefined, 'another version')
})

test('all gates that hold a version back say so, in their order', async (t) => {
  const closed = (name: string): Gate => ({ name, check: () => ({ message: name }) })
  t.match(checkGates([imageReset, closed('One'), closed('Two')], seen(object()), v2), [{ by: 'One' }, { by: 'Two' }])
  t.same(checkGates([], seen(object()), v2), [])
})

test('a version that could not be tried is tried again, later each time, or at once under another spec', async (t) => {
  const untried = { outcome: 'Aborted', reason: 'PodsRefused', message: 'exceeded quota', generation: 1 } as const
  const check = (...rollouts: PastRollout[]) => checkGates(gates, seen(object({ rollouts })), v2)[0]
  t.match(check(ended(1, untried)), {
    by: 'PodsRefused',
    phase: 'Stalled',
    until: epoch + 29_000,
    message:
      /^v2 could not be tried: exceeded quota\. cvmanager tries it again at 2026-01-02T03:04:34Z, later each time/,
  })
  t.match(check(ended(1, untried), ended(2_000, untried)), { until: epoch + 59_000 }, 'however long an attempt takes')
  t.match(
    check(...Array.from({ length: 10 }, () => ended(1, untried))),
    { until: epoch + 3_599_000 },
    'at most an hour',
  )
  t.equal(check(ended(31, untried)), undefined, 'the delay has passed')
  t.equal(check(ended(1, { ...untried, digest: 'sha256:other' })), undefined, 'another version')
  t.equal(check(ended(1, { ...untried, generation: 0 })), undefined, 'another spec')
  t.equal(check(ended(1, { outcome: 'Aborted' })), undefined, 'the ContainerVersion was deleted')
})

test('a paused workload holds the version until it is resumed, and the message says how', async (t) => {
  const containers = [{ name: 'web', image: imageOf('v1') }]
  const paused = workload('web', containers, { state: 'waiting', reason: 'it is paused', because: 'Paused' })
  const running = workload('api', containers)
  t.match(checkGates(gates, observation({ object: object(), workloads: [running, paused] }), v2)[0], {
    by: 'WorkloadPaused',
    name: 'Deployment/web',
    message: 'v2 is rolled out when Deployment/web is resumed: kubectl rollout resume deployment/web -n shop',
  })
  t.same(checkGates(gates, observation({ object: object(), workloads: [running] }), v2), [])
})
