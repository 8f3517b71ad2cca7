/** Checks in a rollout: when they run, what their ends mean, and what is left of them. */
import fc from 'fast-check'
import { test } from 'tap'
import type { Check } from '../../api/checks.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import { SimulatedChecks } from './checks.fixture.ts'
import { imageOf, version } from './plan.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const check = (name: string): Check => ({ kind: 'Image', name, image: 'shop/smoke', tag: 'v1' })
const before = { container: { name: 'web', verify: [check('smoke'), check('scan')] } }
const during = { strategy: { kind: 'Simple', verify: [check('load')] } } as const
const second = 1_000

type Options = Partial<ConstructorParameters<typeof Simulation>[1]>

function offeredV2(spec: Partial<ContainerVersionSpec>, options: Options = {}, workloads = 1) {
  const running = Array.from({ length: workloads }, () => imageOf('v1'))
  const cluster = new Simulation(running, { offered: 'v1', spec: { timeoutSeconds: 30, ...spec }, ...options })
  cluster.run(second)
  cluster.offered = 'v2'
  return cluster
}
const reasons = (cluster: Simulation) => [...cluster.events.values()].map(({ reason }) => reason)

test('checks run one after another before anything is changed, and then while the version runs', async (t) => {
  const cluster = offeredV2({ ...before, ...during })
  cluster.run(second)
  t.match(cluster.object.status, {
    phase: 'Verifying',
    message:
      'verifying v2 before anything is changed: check smoke (1 of 2) runs since 2026-01-02T03:04:06Z, until 2026-01-02T03:09:06Z at the latest',
    rollout: {
      checks: [
        { name: 'smoke', state: 'Running' },
        { name: 'scan', state: 'Pending' },
        { name: 'load', state: 'Pending' },
      ],
    },
  })
  cluster.run(4 * second)
  t.match(cluster.object.status, { message: /check scan \(2 of 2\) runs since/ })
  t.same(cluster.patches, [])
  cluster.run(4 * second)
  t.equal(cluster.patches.length, 1)
  t.match(cluster.object.status, { phase: 'Verifying', message: /^verifying v2: check load \(1 of 1\) runs since/ })
  cluster.run(10 * second)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
  t.match(cluster.past, [
    { outcome: 'Succeeded', checks: [{ name: 'smoke' }, { name: 'scan' }, { name: 'load', step: 'strategy' }] },
  ])
  t.same(cluster.checks.pods, [], 'nothing is left')
  t.match(cluster.checks, { made: 3, most: 1 })
  t.same(reasons(cluster), ['Adopted', 'RolloutStarted', 'Verifying', 'Verifying', 'RolloutSucceeded'])
})

test('a check that fails before anything is changed: the version is in quarantine, and nothing has happened', async (t) => {
  for (const enabled of [true, false]) {
    const cluster = offeredV2({ ...before, rollback: { enabled } })
    cluster.checks.exit = (name) => (name === 'scan' ? 3 : 0)
    cluster.run(20 * second)
    t.same(cluster.patches, [])
    t.match(cluster.object.status, {
      phase: 'RolledBack',
      message:
        /^v2 failed and was not rolled out: check scan has failed: container check of pod \S+ ends with exit status 3\. It is not tried/,
      quarantined: [{ version: 'v2' }],
      current: { version: 'v1' },
    })
    t.match(cluster.past, [{ reason: 'CheckFailed', checks: [{ state: 'Passed' }, { state: 'Failed' }] }])
    t.same(reasons(cluster), ['Adopted', 'RolloutStarted', 'Verifying', 'CheckFailed', 'RolloutFailed', 'NotRolledOut'])
    t.notMatch(JSON.stringify([...cluster.events.values()]), /put back|left in place|rolled back/)
    t.same(cluster.checks.pods, [])
    cluster.run(3_600 * second)
    t.equal(cluster.checks.made, 2, 'it is not tried again')
  }
})

test('a check that fails while the version runs rolls it back', async (t) => {
  const cluster = offeredV2(during)
  cluster.checks.exit = () => 1
  cluster.run(20 * second)
  t.same(cluster.patches.length, 2)
  t.same(cluster.images, [imageOf('v1')])
  t.match(cluster.object.status, {
    phase: 'RolledBack',
    message: /^v2 failed and was rolled back: check load has failed/,
  })
  t.same(cluster.checks.pods, [])
})

test('a check that could not be run says nothing about the version: it is tried again later', async (t) => {
  const cluster = offeredV2(before)
  cluster.checks.exit = () => undefined
  cluster.run(20 * second)
  t.match(cluster.object.status, {
    phase: 'Stalled',
    message: /^v2 could not be tried: check smoke could not be run: it is not there\. cvmanager tries it again at/,
    quarantined: undefined,
  })
  t.match([...cluster.events.values()].slice(-2), [
    { reason: 'CheckUnavailable', message: /It was not rolled out\.$/ },
    { reason: 'RolloutAborted', message: /the rollout of v2 ended before it was rolled out/ },
  ])
  t.same(cluster.patches, [])
  cluster.checks.exit = () => 0
  cluster.run(120 * second)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('the clock of the rollout stands still while its checks run', async (t) => {
  const cluster = offeredV2({ ...before, ...during })
  cluster.checks.workMs = 60 * second
  cluster.run(300 * second)
  t.match(cluster.past, [{ outcome: 'Succeeded', duration: /^3m/ }], 'although it may take 30 s')
})

test('a rollback after a long check still has the time that the rollout had left', async (t) => {
  const cluster = offeredV2(during)
  cluster.startMs = 10 * second
  cluster.checks.workMs = 60 * second
  cluster.checks.exit = () => 1
  cluster.run(120 * second)
  t.same(cluster.images, [imageOf('v1')])
  t.match(cluster.past, [{ outcome: 'RolledBack', message: /ends with exit status 1$/ }], 'and is healthy at its end')
})

test('a newer version in the middle of a check ends it, and its pod goes first', async (t) => {
  const cluster = offeredV2(before)
  cluster.checks.workMs = 100 * second
  cluster.run(5 * second)
  cluster.offered = 'v3'
  cluster.run(5 * second)
  t.equal(cluster.checks.pods.length, 1)
  cluster.run(300 * second)
  t.match(cluster.past, [
    { version: 'v3', outcome: 'Succeeded' },
    { version: 'v2', outcome: 'Superseded', checks: [{ name: 'smoke', state: 'Running' }] },
  ])
  t.match(cluster.checks, { most: 1, pods: [] })
})

test('the tag points again at what runs, in the middle of a check: nothing is checked and nothing is in quarantine', async (t) => {
  const cluster = offeredV2(before)
  cluster.checks.workMs = 100 * second
  cluster.run(5 * second)
  cluster.checks.exit = () => 3
  cluster.offered = 'v1'
  cluster.run(300 * second)
  t.match(cluster.object.status, { phase: 'UpToDate', message: 'all workloads run v1', quarantined: undefined })
  t.match(cluster.past, [{ version: 'v2', outcome: 'Superseded', message: 'replaced by v1' }])
  t.notOk(cluster.object.status.rollout)
  t.equal(cluster.past.length, 1)
  t.same(cluster.patches, [])
  t.match(cluster.checks, { made: 1, pods: [] })
  t.same(reasons(cluster), ['Adopted', 'RolloutStarted', 'Verifying', 'RolloutSuperseded'])
})

test('a version whose check fails takes back what the rollout that it has replaced had changed', async (t) => {
  const cluster = offeredV2(before, {}, 2)
  const [first] = cluster.workloads
  if (first) first.blocked = 'Quota'
  cluster.run(12 * second)
  t.same(cluster.images, [imageOf('v2'), imageOf('v2')])
  t.match(cluster.object.status, { phase: 'RollingOut' })
  cluster.offered = 'v3'
  cluster.checks.exit = (_, of) => (of === 'v3' ? 1 : 0)
  cluster.run(2 * second)
  t.match(cluster.object.status, { phase: 'Verifying', rollout: { version: 'v3', replaced: [imageOf('v2')] } })
  t.same(cluster.images, [imageOf('v2'), imageOf('v2')], 'v3 has not reached them')
  if (first) first.blocked = undefined
  cluster.run(20 * second)
  t.match(cluster.past, [
    { version: 'v3', outcome: 'RolledBack', reason: 'CheckFailed' },
    { version: 'v2', outcome: 'Superseded' },
  ])
  t.same(cluster.images, [imageOf('v1'), imageOf('v1')])
})

test('the object is deleted in the middle of a check: its pod goes, and the deletion is not held up', async (t) => {
  const cluster = offeredV2(before)
  cluster.checks.workMs = 100 * second
  cluster.run(5 * second)
  t.equal(cluster.checks.pods.length, 1)
  cluster.object = { ...cluster.object, deleting: true }
  cluster.run(5 * second)
  t.notOk(cluster.object.status.rollout)
  t.same(cluster.checks.pods, [])
  t.same(cluster.patches, [])
})

test('B37 wherever the process dies: one pod at a time, none is left, and the outcome is the same', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.constantFrom<[string, number | undefined] | []>([], ['smoke', 1], ['scan', 3], ['load', 1]),
      fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
      (deaths, [failing, code], newerAfter) => {
        let at = 0
        const checks = new SimulatedChecks()
        checks.exit = (name, of) => (name === failing && of === 'v2' ? code : 0)
        const cluster = offeredV2({ ...before, ...during }, { checks, dies: () => deaths[at++] === true }, 2)
        if (newerAfter !== undefined) {
          cluster.run(newerAfter * second)
          cluster.offered = 'v3'
        }
        cluster.run(600 * second)
        const { phase, quarantined } = cluster.object.status
        const wanted = newerAfter === undefined ? (failing === undefined ? 'v2' : 'v1') : 'v3'
        const isEnd = phase === (wanted === 'v1' ? 'RolledBack' : 'UpToDate')
        const fails = wanted === 'v1' && quarantined?.[0]?.digest !== version('v2').digest
        const isMixed = cluster.images.some((image) => image !== imageOf(wanted))
        return isEnd && !fails && !isMixed && checks.most <= 1 && checks.pods.length === 0
      },
    ),
    { numRuns: 300 },
  )
})
