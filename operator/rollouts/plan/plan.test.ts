import fc from 'fast-check'
import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Plan } from '../observe/observation.ts'
import { epoch, imageOf, object, observation, offers, rules, version, workload } from './plan.fixture.ts'
import { plan } from './plan.ts'
import { Simulation } from './simulation.fixture.ts'

const ready = ({ status }: Pick<Plan, 'status'>) => status.conditions?.find(({ type }) => type === 'Ready')

test('workloads that run the version already are left alone', async (t) => {
  const decision = plan(
    rules,
    observation({
      object: object(),
      offer: offers('v1'),
      workloads: [workload('web', [{ name: 'web', image: imageOf('v1') }])],
    }),
  )
  t.equal(decision.action.action, 'none')
  t.match(decision.status, {
    phase: 'UpToDate',
    current: { version: 'v1' },
    observed: { version: 'v1', tag: 'env-prod' },
  })
  t.match(ready(decision), { status: 'True', observedGeneration: 1 })
})

test('B17 the previous images are in the status before anything is patched', async (t) => {
  const { status, action } = plan(
    rules,
    observation({
      object: object(),
      offer: offers('v2'),
      workloads: [workload('web', [{ name: 'web', image: imageOf('v1') }])],
    }),
  )
  t.equal(action.action, 'change')
  t.match(status.rollout, {
    phase: 'RollingOut',
    version: 'v2',
    workloads: [{ name: 'web', previous: [{ name: 'web', image: imageOf('v1') }] }],
  })
})

/** Comes to rest with one version that all its workloads run. */
const upToDate = (name: string, bad: readonly string[] = []) => {
  const world = new Simulation([imageOf(name), imageOf(name)], { offered: name, bad })
  world.settle()
  return world
}

const imagesOf = ({ workloads }: Simulation) => workloads.map(({ image }) => image)

test('B17 a spec that is edited between the status and the patches does not make a bad version good', (t) => {
  for (const edit of ['nothing that matters', 'the tag', 'the selector'] as const) {
    const world = upToDate('v1', ['v2'])
    world.offered = 'v2'
    world.look()
    world.object = { ...world.object, generation: 2 }
    if (edit === 'the tag') world.offered = 'v1'
    if (edit === 'the selector') world.selected = ['web-1']
    world.settle()
    t.same(imagesOf(world), [imageOf('v1'), imageOf('v1')], edit)
    t.notOk(
      world.past.some(({ version, outcome }) => version === 'v2' && outcome === 'Succeeded'),
      edit,
    )
    t.equal(world.object.status.current?.version, 'v1', edit)
  }
  t.end()
})

test('a version that was rolled out right before a restart is rolled back while the registry is away', (t) => {
  const world = upToDate('v1', ['v2'])
  world.offered = 'v2'
  world.look()
  t.same(imagesOf(world), [imageOf('v2'), imageOf('v2')])
  world.offered = undefined
  world.settle()
  t.same(imagesOf(world), [imageOf('v1'), imageOf('v1')])
  t.match(world.past, [{ version: 'v2', outcome: 'RolledBack' }])
  t.end()
})

test('an image that cvmanager has not rolled out here is where a rollback of the next version goes', (t) => {
  for (const ours of [false, true]) {
    const world = upToDate('v1', ['v2'])
    // By hand; or the workload came from another ContainerVersion, for which cvmanager wrote its image.
    world.workloads[1] = { name: 'web-1', image: imageOf('v9'), ours }
    world.offered = 'v2'
    const { status } = world.look()
    t.match(status.rollout?.workloads, [
      { previous: [{ image: imageOf('v1') }] },
      { previous: [{ image: imageOf('v9') }] },
    ])
    world.settle()
    t.same(imagesOf(world), [imageOf('v1'), imageOf('v9')])
    t.match(world.past, [{ version: 'v2', outcome: 'RolledBack' }])
    t.equal(world.past.length, 1, 'and no other rollout')
  }
  t.end()
})

test('a workload that comes with another image while the registry is away is left as it is', (t) => {
  const world = upToDate('v1')
  world.offered = undefined
  world.workloads[1] = { name: 'web-1', image: imageOf('v9'), ours: true }
  world.settle()
  t.same(imagesOf(world), [imageOf('v1'), imageOf('v9')])
  t.same(world.past, [])
  t.end()
})

test('what is on offer and was set by hand is adopted, and what failed and was left in place is no new rollout', (t) => {
  const world = upToDate('v1')
  for (const workload of world.workloads) workload.image = imageOf('v2')
  world.offered = 'v2'
  world.settle()
  t.match(world.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
  t.same(world.past, [])

  const left = new Simulation([imageOf('v1')], { offered: 'v1', bad: ['v2'], spec: { rollback: { enabled: false } } })
  left.settle()
  left.offered = 'v2'
  left.settle()
  t.match(left.past, [{ version: 'v2', outcome: 'Failed' }])
  left.offered = 'v3'
  t.match(left.look().status.rollout, { version: 'v3', workloads: [{ previous: [{ image: imageOf('v2') }] }] })
  t.end()
})

test('B51 a first image written with the moving tag is put back with the digest that its pods ran', async (t) => {
  const before = 'registry.example.com/shop/web:env-prod'
  const running = version('v1').digest
  const { status } = plan(
    rules,
    observation({
      object: object(),
      offer: offers('v2'),
      workloads: [workload('web', [{ name: 'web', image: before }], { state: 'healthy' }, running)],
    }),
  )
  t.match(status.rollout?.workloads, [{ previous: [{ image: `${before}@${running}` }] }])
})

test('B41 an offer that failed changes no workload, and says why', async (t) => {
  const error = new TransientError('RegistryUnavailable', 'the registry is away')
  const { status, action, happenings } = plan(
    rules,
    observation({
      object: object(),
      offer: { state: 'failed', error },
      workloads: [workload('web', [{ name: 'web', image: imageOf('v1') }])],
    }),
  )
  t.equal(action.action, 'none')
  t.match(status, { phase: 'Unavailable', message: 'the registry is away' })
  t.match(happenings, [{ type: 'Warning', reason: 'RegistryUnavailable' }])
})

test('a problem that only a person can mend is Stalled, and told once', async (t) => {
  const problem = new NeedsChangeError('WorkloadNotFound', 'no workload')
  const first = plan(rules, observation({ object: object(), offer: offers('v1'), problem }))
  t.match(first.status, { phase: 'Stalled', next: { version: 'v1', heldBy: 'WorkloadNotFound' } })
  const again = plan(
    rules,
    observation({ object: object(first.status), offer: offers('v1'), problem, now: epoch + 60_000 }),
  )
  t.same(again.status, first.status, 'an hour of the same trouble is no news')
  t.equal(again.happenings[0]?.id, first.happenings[0]?.id)
})

test('what this version cannot do is refused, not left out', async (t) => {
  const workloads = [workload('web', [{ name: 'web', image: imageOf('v1') }])]
  const verified = object({}, { container: { name: 'web', verify: [{ kind: 'Image', image: 'a', tag: 'b' }] } })
  t.match(plan(rules, observation({ object: verified, offer: offers('v2'), workloads })), {
    action: { action: 'none' },
    status: { phase: 'Stalled', message: /spec\.container\.verify/ },
  })
  const blueGreen = object({}, { strategy: { kind: 'ServiceBlueGreen', blueGreen: { serviceName: 'web' } } })
  t.match(plan(rules, observation({ object: blueGreen, offer: offers('v2'), workloads })), {
    action: { action: 'none' },
    status: { phase: 'Stalled', message: /Simple/ },
  })
})

test('B22 a deadline that passes goes the way of every failure: rolled back, quarantined, recorded', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', spec: { timeoutSeconds: 30 } })
  world.look()
  const slow = workload('web-0', [{ name: 'web', image: imageOf('v2') }], {
    state: 'waiting',
    reason: '0 of 1 pods available',
  })
  const late = plan(
    rules,
    observation({ object: world.object, offer: offers('v2'), workloads: [slow], now: epoch + 31_000 }),
  )
  t.match(late.status.rollout, { phase: 'RollingBack', reason: 'DeadlineExceeded' })
  t.match(late.action, { action: 'change', changes: [{ images: [{ image: imageOf('v1') }] }] })
})

test('B20 B21 one workload that fails takes the whole unit back, and success is said only when all have it', async (t) => {
  const world = new Simulation([imageOf('v1'), imageOf('v1'), imageOf('v0')], { offered: 'v2', bad: ['v2'] })
  world.settle()
  t.same(
    world.workloads.map(({ image }) => image),
    [imageOf('v1'), imageOf('v1'), imageOf('v0')],
  )
  t.match(world.past, [{ outcome: 'RolledBack', version: 'v2' }])
  t.equal(world.past.length, 1)
})

test('a version that failed is not tried again until the tag moves on', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  world.settle()
  t.match(world.object.status, {
    phase: 'RolledBack',
    next: { version: 'v2', heldBy: 'Quarantine' },
    quarantined: [{ version: 'v2' }],
  })
  const patches = world.patches.length
  for (let looks = 0; looks < 20; looks += 1) world.look()
  t.equal(world.patches.length, patches)
  world.offered = 'v3'
  world.settle()
  t.match(world.object.status, { phase: 'UpToDate', current: { version: 'v3' }, quarantined: undefined })
})

test('a version that failed is tried again when the spec changes', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  world.settle()
  world.object = { ...world.object, generation: 2 }
  world.settle()
  t.equal(world.past.length, 2)
})

test('without rollback a failed version stays, and is well again when its workloads are', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { rollback: { enabled: false } } })
  world.settle()
  t.match(world.object.status, { phase: 'Failed', quarantined: [{ version: 'v2', outcome: 'Failed' }] })
  t.equal(world.workloads[0]?.image, imageOf('v2'))
  ;(world.bad as Set<string>).clear()
  world.settle()
  t.match(world.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('a newer version replaces the one under way, and a rollback then goes to what ran before both', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v3'] })
  world.look()
  world.offered = 'v3'
  world.settle()
  t.same(
    world.past.map(({ version, outcome }) => `${version} ${outcome}`),
    ['v3 RolledBack', 'v2 Superseded'],
  )
  t.equal(world.workloads[0]?.image, imageOf('v1'))
})

test('a workload that somebody else has changed since is not rolled back over', async (t) => {
  const world = new Simulation([imageOf('v1'), imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  world.look()
  const byHand = world.workloads[1]
  if (byHand) byHand.image = imageOf('v9')
  const status = {
    ...world.object.status,
    rollout: { ...world.object.status.rollout, phase: 'RollingBack', message: 'x' },
  } as ContainerVersion['status']
  world.object = { ...world.object, status }
  world.look()
  t.same(
    world.workloads.map(({ image }) => image),
    [imageOf('v1'), imageOf('v9')],
  )
})

test('a deleted ContainerVersion ends its rollout with the images of before, without waiting', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  world.look()
  world.object = { ...world.object, deleting: true }
  world.settle()
  t.equal(world.workloads[0]?.image, imageOf('v1'))
  t.match(world.past, [{ outcome: 'Aborted' }])
})

test('a rollback that the API server refuses ends all the same, and says what is left', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { timeoutSeconds: 30 } })
  world.look()
  const stuck = workload('web-0', [{ name: 'web', image: imageOf('v2') }], { state: 'stuck', reason: 'x' })
  const rollout = {
    ...world.object.status.rollout,
    phase: 'RollingBack',
    message: 'it crashed',
    rollbackTime: '2026-01-02T03:04:10Z',
  }
  const status = { ...world.object.status, rollout } as ContainerVersion['status']
  const decision = plan(
    rules,
    observation({ object: object(status), offer: offers('v2'), workloads: [stuck], now: epoch + 60_000 }),
  )
  t.match(decision.status.rollout, {
    phase: 'Recording',
    outcome: 'Failed',
    message: /Deployment\/web-0 could not be put back/,
  })
})

test('an operator that comes back long after the deadline still rolls back first', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { timeoutSeconds: 30 } })
  world.look()
  world.now += 3_600_000
  world.settle()
  t.equal(world.workloads[0]?.image, imageOf('v1'))
  t.match(world.past, [{ outcome: 'RolledBack' }])
})

test('a pod that blocks the change of its workload is replaced, on the way there and on the way back', async (t) => {
  const pod = { namespace: 'shop', name: 'web-0-1', uid: 'u' }
  const world = new Simulation([imageOf('v1')], { offered: 'v2' })
  world.look()
  const blocked = (image: string) => ({
    ...workload('web-0', [{ name: 'web', image }], { state: 'waiting', reason: '1 of 2 pods updated' }),
    blockers: [pod],
  })
  const there = observation({ object: world.object, offer: offers('v2'), workloads: [blocked(imageOf('v2'))] })
  t.match(plan(rules, there), { action: { action: 'replace', pods: [pod] }, again: epoch + 2_000 })

  const status = {
    ...world.object.status,
    rollout: { ...world.object.status.rollout, phase: 'RollingBack', message: 'x' },
  }
  const back = object(status as ContainerVersion['status'])
  const onTheWay = observation({ object: back, offer: offers('v2'), workloads: [blocked(imageOf('v1'))] })
  t.match(plan(rules, onTheWay), { action: { action: 'replace', pods: [pod] }, status: { phase: 'RollingBack' } })
})

test('a newer version does not wait for the health of a rollback, and what is not healthy is said', async (t) => {
  const world = new Simulation([imageOf('v1')], { offered: 'v2' })
  world.look()
  const status = {
    ...world.object.status,
    rollout: { ...world.object.status.rollout, phase: 'RollingBack', message: 'x' },
  }
  const slow = workload('web-0', [{ name: 'web', image: imageOf('v1') }], { state: 'waiting', reason: 'slow' })
  const given = { object: object(status as ContainerVersion['status']), workloads: [slow] }
  t.match(plan(rules, observation({ ...given, offer: offers('v2') })).status.rollout, { phase: 'RollingBack' })
  t.match(plan(rules, observation({ ...given, offer: offers('v3') })).status.rollout, {
    phase: 'Recording',
    outcome: 'RolledBack',
    message: 'x; with its previous image, Deployment/web-0 is not healthy yet: slow',
  })
})

test('what is applied together may arrive one after another: no alarm in the first seconds', async (t) => {
  const problem = new NeedsChangeError('WorkloadNotFound', 'no workload')
  const young = { ...object(), createdAt: epoch - 1_000 }
  t.match(plan(rules, observation({ object: young, offer: offers('v1'), problem })), {
    happenings: [],
    again: epoch + 2_000,
  })
  t.match(plan(rules, observation({ object: { ...young, createdAt: epoch - 4_000 }, offer: offers('v1'), problem })), {
    status: { phase: 'Stalled' },
  })
})

const names = fc.constantFrom('v1', 'v2', 'v3', 'v4')

test('whatever happens, and wherever the process dies, a world comes to rest with one version and one record of each rollout', async (t) => {
  const moves = fc.array(fc.tuple(names, fc.nat(6)), { minLength: 1, maxLength: 6 })
  const deaths = fc.array(fc.boolean(), { maxLength: 60 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      names,
      fc.subarray(['v2', 'v3']),
      moves,
      deaths,
      fc.boolean(),
      (count, first, bad, tagMoves, kills, enabled) => {
        const dying = [...kills]
        const running = Array.from({ length: count }, () => imageOf('v0'))
        const world = new Simulation(running, {
          offered: first,
          bad,
          spec: { rollback: { enabled } },
          dies: () => dying.shift() ?? false,
        })
        for (const [offered, looks] of tagMoves) {
          world.offered = offered
          for (let look = 0; look < looks; look += 1) {
            world.look()
            world.now += 500
          }
        }
        dying.length = 0
        world.settle()
        const last = tagMoves.at(-1)?.[0] ?? first
        // What was never seen to be well is nothing to go back to.
        const broken = bad.map(imageOf)
        if (enabled && world.workloads.some(({ image }) => broken.includes(image))) return false
        const images = new Set(world.workloads.map(({ image }) => image))
        const ids = world.past.map(({ id }) => id)
        const effective = new Set(world.patches)
        return (
          images.size === 1 &&
          new Set(ids).size === ids.length &&
          new Set(world.records.map((record) => record.split(' ')[0])).size === world.records.length &&
          effective.size >= 1 &&
          (world.object.status.phase === 'UpToDate') === (images.has(imageOf(last)) && (enabled || !bad.includes(last)))
        )
      },
    ),
    { numRuns: 400 },
  )
  t.pass('400 worlds')
})

test('plan is a function: the same observation gives the same plan, and changes nothing of it', async (t) => {
  fc.assert(
    fc.property(names, names, fc.boolean(), (runs, offered, deleting) => {
      const given = observation({
        object: { ...object(), deleting },
        offer: offers(offered),
        workloads: [workload('web', [{ name: 'web', image: imageOf(runs) }])],
      })
      const copy = JSON.stringify(given)
      const [one, two] = [plan(rules, given), plan(rules, given)]
      return JSON.stringify(one) === JSON.stringify(two) && JSON.stringify(given) === copy
    }),
  )
  t.pass()
})
