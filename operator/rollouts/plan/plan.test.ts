import fc from 'fast-check'
import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { PastRollout } from '../../api/rollout-status.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import { epoch, imageOf, object, observation, offers, version, workload } from './plan.fixture.ts'
import { type Plan, plan } from './plan.ts'
import { Simulation } from './simulation.fixture.ts'

const ready = ({ status }: Pick<Plan, 'status'>) => status.conditions?.find(({ type }) => type === 'Ready')

test('workloads that run the version already stay as they are', async (t) => {
  const decision = plan(
    observation({
      object: object(),
      offer: offers('v1'),
      workloads: [workload('web', [{ name: 'web', image: imageOf('v1') }])],
    }),
  )
  t.same(decision.changes, [])
  t.match(decision.status, {
    phase: 'UpToDate',
    current: { version: 'v1' },
    observed: { version: 'v1', tag: 'env-prod' },
  })
  t.match(ready(decision), { status: 'True', observedGeneration: 1 })
})

test('B17 the previous images are in the status before anything is patched', async (t) => {
  const { status, changes } = plan(
    observation({
      object: object(),
      offer: offers('v2'),
      workloads: [workload('web', [{ name: 'web', image: imageOf('v1') }])],
    }),
  )
  t.match(changes, [{ change: 'images', images: [{ name: 'web', image: imageOf('v2') }] }])
  t.match(status.rollout, {
    phase: 'RollingOut',
    version: 'v2',
    workloads: [{ name: 'web', previous: [{ name: 'web', image: imageOf('v1') }] }],
  })
})

/** Comes to rest with one version that all its workloads run. */
const upToDate = (name: string, bad: readonly string[] = []) => {
  const cluster = new Simulation([imageOf(name), imageOf(name)], { offered: name, bad })
  cluster.settle()
  return cluster
}

test('B17 a spec that is edited between the status and the patches does not keep a bad version', (t) => {
  for (const edit of ['nothing that matters', 'the tag', 'the selector'] as const) {
    const cluster = upToDate('v1', ['v2'])
    cluster.offered = 'v2'
    cluster.reconcile()
    cluster.object = { ...cluster.object, generation: 2 }
    if (edit === 'the tag') cluster.offered = 'v1'
    if (edit === 'the selector') cluster.selected = ['web-1']
    cluster.settle()
    t.same(cluster.images, [imageOf('v1'), imageOf('v1')], edit)
    t.notOk(
      cluster.past.some(({ version, outcome }) => version === 'v2' && outcome === 'Succeeded'),
      edit,
    )
    t.equal(cluster.object.status.current?.version, 'v1', edit)
  }
  t.end()
})

test('a bad version that was rolled out right before a restart is rolled back while the registry is away', (t) => {
  const cluster = upToDate('v1', ['v2'])
  cluster.offered = 'v2'
  cluster.reconcile()
  t.same(cluster.images, [imageOf('v2'), imageOf('v2')])
  cluster.offered = undefined
  cluster.settle()
  t.same(cluster.images, [imageOf('v1'), imageOf('v1')])
  t.match(cluster.past, [{ version: 'v2', outcome: 'RolledBack' }])
  t.end()
})

test('a rollback restores an image that cvmanager did not roll out here', (t) => {
  const cluster = upToDate('v1', ['v2'])
  // Set by hand, or by cvmanager for another ContainerVersion that the workload came from.
  cluster.workloads[1] = { name: 'web-1', image: imageOf('v9') }
  cluster.offered = 'v2'
  const { status } = cluster.reconcile()
  t.match(status.rollout?.workloads, [
    { previous: [{ image: imageOf('v1') }] },
    { previous: [{ image: imageOf('v9') }] },
  ])
  cluster.settle()
  t.same(cluster.images, [imageOf('v1'), imageOf('v9')])
  t.match(cluster.past, [{ version: 'v2', outcome: 'RolledBack' }])
  t.equal(cluster.past.length, 1, 'and no other rollout')
  t.end()
})

test('a workload that arrives with another image while the registry is away stays as it is', (t) => {
  const cluster = upToDate('v1')
  cluster.offered = undefined
  cluster.workloads[1] = { name: 'web-1', image: imageOf('v9') }
  cluster.settle()
  t.same(cluster.images, [imageOf('v1'), imageOf('v9')])
  t.same(cluster.past, [])
  t.end()
})

test('a version that was set by hand is adopted, and one that failed and was left in place starts no rollout', (t) => {
  const cluster = upToDate('v1')
  for (const workload of cluster.workloads) workload.image = imageOf('v2')
  cluster.offered = 'v2'
  cluster.settle()
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
  t.same(cluster.past, [])

  const left = new Simulation([imageOf('v1')], { offered: 'v1', bad: ['v2'], spec: { rollback: { enabled: false } } })
  left.settle()
  left.offered = 'v2'
  left.settle()
  t.match(left.past, [{ version: 'v2', outcome: 'Failed' }])
  left.offered = 'v3'
  // A rollback of v3 goes back to what last ran well.
  t.match(left.reconcile().status.rollout, { version: 'v3', workloads: [{ previous: [{ image: imageOf('v1') }] }] })
  t.end()
})

test('B51 a first image written with the moving tag is put back with the digest that its pods ran', async (t) => {
  const before = 'registry.example.com/shop/web:env-prod'
  const running = version('v1').digest
  const { status } = plan(
    observation({
      object: object(),
      offer: offers('v2'),
      workloads: [workload('web', [{ name: 'web', image: before }], { state: 'healthy' }, running)],
    }),
  )
  t.match(status.rollout?.workloads, [{ previous: [{ image: `${before}@${running}` }] }])
})

test('B41 a failed poll changes no workload, and the status says why', async (t) => {
  const error = new TransientError('RegistryUnavailable', 'the registry is away')
  const { status, changes, events } = plan(
    observation({
      object: object(),
      offer: { state: 'failed', error },
      workloads: [workload('web', [{ name: 'web', image: imageOf('v1') }])],
    }),
  )
  t.same(changes, [])
  t.match(status, { phase: 'Unavailable', message: 'the registry is away' })
  t.match(events, [{ type: 'Warning', reason: 'RegistryUnavailable' }])
})

test('a problem that needs a person is Stalled, and has one event', async (t) => {
  const problem = new NeedsChangeError('WorkloadNotFound', 'no workload')
  const first = plan(observation({ object: object(), offer: offers('v1'), problem }))
  t.match(first.status, { phase: 'Stalled', next: { version: 'v1', heldBy: 'WorkloadNotFound' } })
  const again = plan(observation({ object: object(first.status), offer: offers('v1'), problem, now: epoch + 60_000 }))
  t.same(again.status, first.status, 'the same problem later changes nothing')
  t.equal(again.events[0]?.id, first.events[0]?.id)
})

test('B22 a rollout past its deadline is rolled back, as any failure', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', spec: { timeoutSeconds: 30 } })
  cluster.reconcile()
  const slow = workload('web-0', [{ name: 'web', image: imageOf('v2') }], {
    state: 'waiting',
    reason: '0 of 1 pods available',
  })
  const late = plan(
    observation({ object: cluster.object, offer: offers('v2'), workloads: [slow], now: epoch + 31_000 }),
  )
  t.match(late.status.rollout, { phase: 'RollingBack', reason: 'DeadlineExceeded' })
  t.match(late.changes, [{ change: 'images', images: [{ image: imageOf('v1') }] }])
})

test('B20 B21 if one workload fails, all are rolled back', async (t) => {
  const cluster = new Simulation([imageOf('v1'), imageOf('v1'), imageOf('v0')], { offered: 'v2', bad: ['v2'] })
  cluster.settle()
  t.same(
    cluster.workloads.map(({ image }) => image),
    [imageOf('v1'), imageOf('v1'), imageOf('v0')],
  )
  t.match(cluster.past, [{ outcome: 'RolledBack', version: 'v2' }])
  t.equal(cluster.past.length, 1)
})

test('a version that failed is not tried again until the tag moves on', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  cluster.settle()
  t.match(cluster.object.status, {
    phase: 'RolledBack',
    next: { version: 'v2', heldBy: 'Quarantine' },
    quarantined: [{ version: 'v2' }],
  })
  const patches = cluster.patches.length
  for (let times = 0; times < 20; times += 1) cluster.reconcile()
  t.equal(cluster.patches.length, patches)
  cluster.offered = 'v3'
  cluster.settle()
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v3' }, quarantined: undefined })
})

test('a version that failed is tried again when the spec changes', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  cluster.settle()
  cluster.object = { ...cluster.object, generation: 2 }
  cluster.settle()
  t.equal(cluster.past.length, 2)
})

test('without rollback a failed version stays, and is up to date once its workloads are healthy', async (t) => {
  const cluster = new Simulation([imageOf('v1')], {
    offered: 'v2',
    bad: ['v2'],
    spec: { rollback: { enabled: false } },
  })
  cluster.settle()
  t.match(cluster.object.status, { phase: 'Failed', quarantined: [{ version: 'v2', outcome: 'Failed' }] })
  t.equal(cluster.workloads[0]?.image, imageOf('v2'))
  ;(cluster.bad as Set<string>).clear()
  cluster.settle()
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('the manager says whether a version that failed is rolled back, unless the spec does', async (t) => {
  const outcomeOf = (rollbackByDefault: boolean | undefined, spec: Partial<ContainerVersionSpec> = {}) => {
    const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec })
    cluster.reconcile()
    const stuck = workload('web-0', [{ name: 'web', image: imageOf('v2') }], { state: 'stuck', reason: 'it crashes' })
    const members = { workloads: [stuck], members: [stuck] }
    const given = observation({ object: cluster.object, offer: offers('v2'), ...members, now: epoch + 1_000 })
    return plan({ ...given, rollbackByDefault }).status.rollout?.phase
  }
  t.same([outcomeOf(undefined), outcomeOf(true), outcomeOf(false)], ['RollingBack', 'RollingBack', 'Recording'])
  t.equal(outcomeOf(false, { rollback: { enabled: true } }), 'RollingBack')
  t.equal(outcomeOf(true, { rollback: { enabled: false } }), 'Recording')
})

test('a newer version replaces the rollout in progress, and a rollback then restores what ran before both', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v3'] })
  cluster.reconcile()
  cluster.offered = 'v3'
  cluster.settle()
  t.same(
    cluster.past.map(({ version, outcome }) => `${version} ${outcome}`),
    ['v3 RolledBack', 'v2 Superseded'],
  )
  t.equal(cluster.workloads[0]?.image, imageOf('v1'))
  t.same(
    [...cluster.events.values()].map(({ reason, message }) => `${reason}: ${message.split(' (')[0]}`.slice(0, 60)),
    [
      'RolloutStarted: rolling out v2',
      'RolloutSuperseded: the rollout of v2 was replaced by v3, whi',
      'RolloutStarted: rolling out v3',
      'RolloutFailed: v3 failed: Deployment/web-0: container web of',
      'RolledBack: v3 failed and was rolled back to v1, after 2s: D',
    ],
  )
})

test('a rollback does not overwrite what somebody else has changed since', async (t) => {
  const cluster = new Simulation([imageOf('v1'), imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  cluster.reconcile()
  const byHand = cluster.workloads[1]
  if (byHand) byHand.image = imageOf('v9')
  const status = {
    ...cluster.object.status,
    rollout: { ...cluster.object.status.rollout, phase: 'RollingBack', message: 'x' },
  } as ContainerVersion['status']
  cluster.object = { ...cluster.object, status }
  cluster.reconcile()
  t.same(
    cluster.workloads.map(({ image }) => image),
    [imageOf('v1'), imageOf('v9')],
  )
})

test('deleting the ContainerVersion restores the previous images without waiting for health', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  cluster.reconcile()
  cluster.object = { ...cluster.object, deleting: true }
  cluster.settle()
  t.equal(cluster.workloads[0]?.image, imageOf('v1'))
  t.match(cluster.past, [{ outcome: 'Aborted' }])
})

/** The status of a rollout that has begun, 5 s later, on its way back. */
function rollingBack({ object: { status } }: Simulation): ContainerVersion['status'] {
  const back = { phase: 'RollingBack', message: 'it crashed', rollbackTime: '2026-01-02T03:04:10Z' }
  return { ...status, rollout: { ...status.rollout, ...back } } as ContainerVersion['status']
}

test('a rollback that the API server refuses ends too, and names the workloads left behind', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { timeoutSeconds: 30 } })
  cluster.reconcile()
  const stuck = workload('web-0', [{ name: 'web', image: imageOf('v2') }], { state: 'stuck', reason: 'x' })
  const status = rollingBack(cluster)
  const decision = plan(
    observation({
      object: object(status),
      offer: offers('v2'),
      workloads: [stuck],
      refused: new Map([['uid-of-web-0', 'a policy refuses it']]),
      now: epoch + 60_000,
    }),
  )
  t.match(decision.status.rollout, {
    phase: 'Recording',
    outcome: 'Failed',
    message: /Deployment\/web-0 could not be put back, since .*a policy refuses it/,
  })
})

test('a rollback ends by what the workloads are, and not by an older view of them', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { timeoutSeconds: 30 } })
  cluster.reconcile()
  const status = rollingBack(cluster)
  const planned = (name: string) => {
    const web = workload('web-0', [{ name: 'web', image: imageOf(name) }])
    return plan(observation({ object: object(status), offer: offers('v2'), workloads: [web], now: epoch + 9_000 }))
  }
  t.match(planned('v1'), { status: { rollout: { phase: 'Recording' } }, confirm: [{ name: 'web-0' }] })
  t.match(planned('v2'), {
    status: { rollout: { phase: 'RollingBack' } },
    confirm: [],
    changes: [{ change: 'images' }],
  })
})

test('an operator that returns long after the deadline still rolls back', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { timeoutSeconds: 30 } })
  cluster.reconcile()
  cluster.now += 3_600_000
  cluster.settle()
  t.equal(cluster.workloads[0]?.image, imageOf('v1'))
  t.match(cluster.past, [{ outcome: 'RolledBack' }])
})

test('a pod that blocks the change of its workload is deleted, in a rollout and in a rollback', async (t) => {
  const pod = { namespace: 'shop', name: 'web-0-1', uid: 'u' }
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2' })
  cluster.reconcile()
  const blocked = (image: string) => ({
    ...workload('web-0', [{ name: 'web', image }], { state: 'waiting', reason: '1 of 2 pods updated' }),
    blockers: [pod],
  })
  const there = observation({ object: cluster.object, offer: offers('v2'), workloads: [blocked(imageOf('v2'))] })
  const deletion = [{ change: 'delete', of: pod }]
  t.match(plan(there), { changes: deletion, requeueAt: epoch + 2_000 })

  const status = {
    ...cluster.object.status,
    rollout: { ...cluster.object.status.rollout, phase: 'RollingBack', message: 'x' },
  }
  const back = object(status as ContainerVersion['status'])
  const onTheWay = observation({ object: back, offer: offers('v2'), workloads: [blocked(imageOf('v1'))] })
  t.match(plan(onTheWay), { changes: deletion, status: { phase: 'RollingBack' } })
})

test('a newer version does not wait for the health of a rollback, and the message names what is not healthy', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2' })
  cluster.reconcile()
  const status = {
    ...cluster.object.status,
    rollout: { ...cluster.object.status.rollout, phase: 'RollingBack', message: 'x' },
  }
  const slow = workload('web-0', [{ name: 'web', image: imageOf('v1') }], { state: 'waiting', reason: 'slow' })
  const given = { object: object(status as ContainerVersion['status']), workloads: [slow] }
  t.match(plan(observation({ ...given, offer: offers('v2') })).status.rollout, { phase: 'RollingBack' })
  t.match(plan(observation({ ...given, offer: offers('v3') })).status.rollout, {
    phase: 'Recording',
    outcome: 'RolledBack',
    message: 'x; with its previous image, Deployment/web-0 is not healthy yet: slow',
  })
})

test('objects that are applied together may arrive one after another: no alarm in the first seconds', async (t) => {
  const problem = new NeedsChangeError('WorkloadNotFound', 'no workload')
  const given = { object: object(), offer: offers('v1'), problem }
  const early = plan(observation({ ...given, newSince: epoch - 1_000 }))
  t.same(early.events, [])
  t.same(early.status, {})
  t.equal(early.requeueAt, epoch + 2_000)
  t.match(plan(observation({ ...given, newSince: epoch - 4_000 })), { status: { phase: 'Stalled' } })
})

test('a new object gets its first status from the first poll, unless that takes long', async (t) => {
  const early = plan(observation({ object: object(), newSince: epoch - 29_000 }))
  t.same(early, { confirm: [], status: {}, events: [], changes: [], record: undefined, requeueAt: epoch + 1_000 })
  t.match(plan(observation({ object: object(), newSince: epoch - 30_000 })).status, { phase: 'Pending' })
})

test('cvmanager gives up its ownership of fields, but first makes the changes of a rollout', async (t) => {
  const applied = { ...workload('web', [{ name: 'web', image: imageOf('v1') }]), mustDisown: true }
  const upToDate = plan(observation({ object: object(), offer: offers('v1'), workloads: [applied] }))
  t.same(upToDate.changes, [{ change: 'disown', of: applied.ref }])
  const behind = plan(observation({ object: object(), offer: offers('v2'), workloads: [applied] }))
  t.match(behind.changes, [{ change: 'images' }])
  t.equal(behind.changes.length, 1)
})

const names = fc.constantFrom('v0', 'v1', 'v2', 'v3', 'v4')

test('wherever the process dies, a cluster settles with one version, one record of each rollout and all events', async (t) => {
  const moves = fc.array(fc.tuple(names, fc.nat(6)), { minLength: 1, maxLength: 6 })
  const deaths = fc.array(fc.boolean(), { maxLength: 60 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      names,
      fc.subarray(['v2', 'v3']),
      moves,
      deaths,
      deaths,
      fc.boolean(),
      (count, first, bad, tagMoves, kills, refusals, enabled) => {
        const dying = [...kills]
        const refusing = [...refusals]
        const running = Array.from({ length: count }, () => imageOf('v0'))
        const cluster = new Simulation(running, {
          offered: first,
          bad,
          spec: { rollback: { enabled } },
          dies: () => dying.shift() ?? false,
          refuses: () => refusing.shift() ?? false,
        })
        for (const [offered, times] of tagMoves) {
          cluster.offered = offered
          for (let time = 0; time < times; time += 1) {
            cluster.reconcile()
            cluster.now += 500
          }
        }
        dying.length = 0
        refusing.length = 0
        cluster.settle()
        const last = tagMoves.at(-1)?.[0] ?? first
        // What was never seen to be well is nothing to go back to.
        const broken = bad.map(imageOf)
        if (enabled && cluster.workloads.some(({ image }) => broken.includes(image))) return false
        const images = new Set(cluster.workloads.map(({ image }) => image))
        const ids = cluster.past.map(({ id }) => id)
        const missing = eventsToExpect(cluster).filter((event) => !cluster.events.has(event))
        return (
          missing.length === 0 &&
          (cluster.patches.length >= 1 || images.has(imageOf('v0'))) &&
          images.size === 1 &&
          new Set(ids).size === ids.length &&
          new Set(cluster.records.map((record) => record.split(' ')[0])).size === cluster.records.length &&
          (cluster.object.status.phase === 'UpToDate') ===
            (images.has(imageOf(last)) && (enabled || !bad.includes(last)))
        )
      },
    ),
    { numRuns: 400 },
  )
  t.pass('400 clusters')
})

/** By reason and id: each rollout starts and ends, and what came to run without a rollout was adopted. */
function eventsToExpect({ past, object: { status } }: Simulation): readonly string[] {
  const endOf = ({ outcome }: PastRollout) =>
    outcome === 'RolledBack' ? outcome : outcome === 'Failed' ? 'LeftInPlace' : `Rollout${outcome}`
  const since = status.current?.since
  const stays = ({ outcome }: PastRollout) => outcome === 'Succeeded' || outcome === 'Failed'
  const rolledOut = past.some((rollout) => stays(rollout) && rollout.endTime === since)
  // What ran before the first rollout was never on offer.
  const ranBefore = past.some(({ startTime }) => startTime === since)
  return [
    ...past.flatMap((rollout) => [`RolloutStarted ${rollout.id}`, `${endOf(rollout)} ${rollout.id}`]),
    ...(status.current && !rolledOut && !ranBefore ? [`Adopted ${status.current.digest}`] : []),
  ]
}

test('events are not written again when they are old', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2' })
  cluster.settle()
  t.match(cluster.reconcile().events, [{ reason: 'RolloutStarted' }, { reason: 'RolloutSucceeded' }])
  cluster.now += 5 * 60_000
  t.same(cluster.reconcile().events, [], 'the API server may have dropped them')
})

test('plan is pure: the same observation gives the same plan, and does not change', async (t) => {
  fc.assert(
    fc.property(names, names, fc.boolean(), (runs, offered, deleting) => {
      const given = observation({
        object: { ...object(), deleting },
        offer: offers(offered),
        workloads: [workload('web', [{ name: 'web', image: imageOf(runs) }])],
      })
      const copy = JSON.stringify(given)
      const [one, two] = [plan(given), plan(given)]
      return JSON.stringify(one) === JSON.stringify(two) && JSON.stringify(given) === copy
    }),
  )
  t.pass()
})
