/** The status says what runs, whoever has set it, and who that was. */
import fc from 'fast-check'
import { test } from 'tap'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { FoundDrift } from '../observe/drift.ts'
import { epoch, imageOf, imageRepo, object, observation, offers, version, workload } from './plan.fixture.ts'
import { type Plan, plan } from './plan.ts'
import { Simulation } from './simulation.fixture.ts'

const healthy = { state: 'healthy' } as const

/** What an object that ran v1.3.0 says when its workloads have these images. */
function seen(images: readonly string[], given: Partial<Parameters<typeof observation>[0]> = {}): Plan {
  const workloads = images.map((image, at) => workload(`web-${at}`, [{ name: 'web', image }]))
  return plan(observation({ object: object(ran), offer: offers('v1.4.0'), workloads, ...given }))
}

const v13 = {
  digest: version('v1.3.0').digest,
  version: 'v1.3.0',
  image: imageOf('v1.3.0'),
  since: '2026-01-02T03:00:00Z',
}

/** v1.4.0 has failed, and v1.3.0 runs again. */
const ran: ContainerVersionStatus = {
  phase: 'RolledBack',
  observedGeneration: 1,
  current: v13,
  lastHealthy: [{ digest: v13.digest, version: v13.version, image: v13.image }],
  quarantined: [
    {
      digest: version('v1.4.0').digest,
      version: 'v1.4.0',
      outcome: 'RolledBack',
      message: 'it crashes',
      since: '2026-01-02T03:00:00Z',
      generation: 1,
    },
  ],
}

test('current is what the workloads run, in whatever state the object is', async (t) => {
  const paused = { state: 'waiting', reason: 'paused', because: 'Paused' } as const
  const web = (health: Parameters<typeof workload>[2] = healthy) => [
    workload('web', [{ name: 'web', image: imageOf('v1.1.0') }], health),
  ]
  const reset = (at: string) => ({
    id: at,
    digest: version('v1.3.0').digest,
    version: 'v1.3.0',
    outcome: 'Succeeded' as const,
    startTime: at,
    endTime: at,
    duration: '1s',
  })
  const twice = [reset('2026-01-02T03:04:00Z'), reset('2026-01-02T03:03:00Z')]
  const states = {
    RolledBack: { object: object(ran) },
    Stalled: { problem: new NeedsChangeError('WorkloadClaimedTwice', 'two claim it') },
    Unavailable: { offer: { state: 'failed', error: new TransientError('RegistryUnavailable', 'away') } },
    WorkloadPaused: { object: object({ ...ran, quarantined: [] }), workloads: web(paused) },
    ImageReset: { object: object({ ...ran, quarantined: [], rollouts: twice }), offer: offers('v1.3.0') },
  } as const
  for (const [state, given] of Object.entries(states)) {
    const { status, changes } = seen([], { workloads: web(), ...given })
    t.match(
      status,
      {
        current: { version: 'v1.1.0', digest: version('v1.1.0').digest, image: imageOf('v1.1.0') },
        deployed: true,
        successVersion: 'v1.1.0',
      },
      state,
    )
    t.ok([status.phase, status.conditions?.[0]?.reason].includes(state), state)
    t.same(changes, [], `${state}: it is left alone`)
  }
})

test('several versions are named once each, with what each container runs', async (t) => {
  const { status } = seen(['v1.3.0', 'v1.1.0', 'v1.3.0'].map(imageOf))
  t.match(status, { successVersion: 'v1.1.0, v1.3.0', current: { version: 'v1.1.0, v1.3.0' } })
  t.notOk(status.current && ('digest' in status.current || 'image' in status.current), 'there is no such one')
  t.same(
    status.current?.containers?.map(({ workload: name, container, version: of }) => `${name} ${container} ${of}`),
    ['Deployment/web-0 web v1.3.0', 'Deployment/web-1 web v1.1.0', 'Deployment/web-2 web v1.3.0'],
  )
  const again = seen(['v1.3.0', 'v1.1.0', 'v1.3.0'].map(imageOf), { object: object(status), now: epoch + 60_000 })
  t.same(again.status, status, 'and nothing is written again')
})

test('two images of one digest have two names, which stay the same', async (t) => {
  const images = [
    imageOf('v1.1.0'),
    imageOf('v1.1.0').replace(':v1.1.0', ':stable'),
    imageOf('v1.1.0').replace('registry', 'mirror'),
  ]
  const { status } = seen(images)
  const names = 'mirror.example.com/shop/web:v1.1.0, stable, v1.1.0'
  t.match(status.current, { version: names, digest: version('v1.1.0').digest })
  const again = seen(images, { object: object(status) })
  t.same(again.status, status)
  t.equal(again.status.current?.version, names)
})

test('without a workload nothing runs', async (t) => {
  const { status } = seen([], { problem: new NeedsChangeError('WorkloadNotFound', 'no workload') })
  t.match(status, { phase: 'Stalled', current: undefined, deployed: false, successVersion: undefined })
})

test('an image is named by what the status knows of its digest, else by its tag, else by its digest', async (t) => {
  const { digest } = version('v0.9')
  const names = {
    [`${imageRepo}@${version('v1.4.0').digest}`]: 'v1.4.0',
    [`${imageRepo}@${version('v1.3.0').digest}`]: 'v1.3.0',
    [`${imageRepo}:test@${digest}`]: 'test',
    [`${imageRepo}@${digest}`]: digest.slice(0, 19),
    [`${imageRepo}:test`]: 'test',
    [imageRepo]: 'latest',
    'other.example.com/shop/web:v1.3.0': 'other.example.com/shop/web:v1.3.0',
    [`other.example.com/shop/web@${digest}`]: `other.example.com/shop/web@${digest.slice(0, 19)}`,
    '{{ no image }}': '{{ no image }}',
  }
  for (const [image, name] of Object.entries(names)) t.equal(seen([image]).status.current?.version, name, image)
  const moving = [workload('web', [{ name: 'web', image: `${imageRepo}:env-prod` }], healthy, version('v1.3.0').digest)]
  t.equal(seen([], { workloads: moving }).status.current?.version, 'v1.3.0', 'by what its pods run')
})

test('what ran before a rollout stays current until it has ended, and is what the rollout says', async (t) => {
  const cluster = new Simulation([imageOf('v1.1.0')], { offered: 'v1.3.0' })
  cluster.reconcile()
  t.match(cluster.object.status, { current: { version: 'v1.1.0' }, rollout: { version: 'v1.3.0', from: 'v1.1.0' } })
  cluster.reconcile()
  cluster.settle()
  t.match(cluster.object.status, { current: { version: 'v1.3.0' } })
  t.notOk([...cluster.events.values()].some(({ reason }) => reason === 'Adopted'))
})

test('after a rollback that could not restore, and after a failed version that stays, current is what runs', async (t) => {
  const left = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { rollback: { enabled: false } } })
  left.settle()
  t.match(left.object.status, { phase: 'Failed', current: { version: 'v2' }, successVersion: 'v2' })
  const refused = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { timeoutSeconds: 5 } })
  refused.reconcile()
  for (const each of refused.workloads) each.refuses = true
  refused.run(30_000)
  t.match(refused.object.status, { phase: 'Failed', current: { version: 'v2' } })
})

const drift = (images: readonly string[], more: Partial<FoundDrift> = {}): readonly FoundDrift[] => [
  {
    workload: 'Deployment/web-0',
    containers: images.map((image) => ({ name: 'web', image, running: undefined })),
    by: 'kubectl-rollout',
    setTime: '2026-01-02T03:04:00Z',
    ...more,
  },
]
const messagesOf = ({ events }: Pick<Plan, 'events'>) =>
  events.filter(({ reason }) => reason === 'DriftDetected').map(({ message }) => message)

test('drift tells who set what, and that the version on offer is put back, and why', async (t) => {
  const free = { ...ran, quarantined: [] }
  const given = { object: object(free), offer: offers('v1.3.0'), drift: drift([imageOf('v1.1.0')]) }
  const begun = seen([imageOf('v1.1.0')], given)
  t.match(begun, { changes: [{ change: 'images' }], status: { phase: 'RollingOut', rollout: { from: 'v1.1.0' } } })
  const told =
    'Deployment/web-0 was set to v1.1.0 by kubectl-rollout; v1.3.0 is put back, for the tag env-prod points there'
  t.same(messagesOf(begun), [told])
  const [event] = begun.events.filter(({ reason }) => reason === 'DriftDetected')
  t.match(event, { type: 'Warning', from: 'v1.3.0', to: 'v1.1.0' })

  const chosen = object(free, { tag: undefined as never, policy: { semver: { range: '*' } } })
  const newer = seen([imageOf('v1.1.0')], { ...given, object: chosen, offer: offers('v1.5.0') })
  t.match(messagesOf(newer), [/; v1\.5\.0 is rolled out, for spec\.policy chooses it$/])
  t.match(messagesOf(seen([imageOf('v1.1.0')], { ...given, drift: drift([imageOf('v1.1.0')], { by: undefined }) })), [
    /^Deployment\/web-0 was set to v1\.1\.0; /,
  ])
})

test('drift that a gate or a trouble leaves as it is says so, and why', async (t) => {
  const given = { drift: drift([imageOf('v1.1.0')]) }
  t.match(messagesOf(seen([imageOf('v1.1.0')], given)), [
    'Deployment/web-0 was set to v1.1.0 by kubectl-rollout; it is left as it is, since v1.4.0 failed and was rolled back',
  ])
  const away = { state: 'failed', error: new TransientError('RegistryUnavailable', 'the registry is away') } as const
  t.match(messagesOf(seen([imageOf('v1.1.0')], { ...given, offer: away })), [
    /; it is left as it is, since the registry is away$/,
  ])
})

test('to set the version on offer by hand, or another name of what runs, is no drift', async (t) => {
  for (const image of [imageOf('v1.4.0'), `${imageRepo}@${version('v1.3.0').digest}`])
    t.same(seen([image], { drift: drift([image]) }).status.drifts, undefined, image)
})

test('drift is told once for each change, whatever happens meanwhile', async (t) => {
  const ids = (planned: Plan) => planned.events.filter(({ reason }) => reason === 'DriftDetected').map(({ id }) => id)
  const first = seen([imageOf('v1.1.0')], { drift: drift([imageOf('v1.1.0')]) })
  // The process has died before the event, and finds the same.
  const again = seen([imageOf('v1.1.0')], { object: object(first.status), drift: drift([imageOf('v1.1.0')]) })
  t.same(ids(again), ids(first))
  t.equal(ids(first).length, 1)
  const setTime = '2026-01-02T03:04:04Z'
  const second = seen([imageOf('v1.1.0')], {
    // v1.3.0 has run again in between.
    object: object({ ...first.status, current: v13 }),
    drift: drift([imageOf('v1.1.0')], { setTime }),
  })
  t.equal(new Set(ids(second)).size, 2, 'the same image once more is another change')
  const old = plan(
    observation({
      object: object(second.status),
      offer: offers('v1.4.0'),
      workloads: [workload('web-0', [{ name: 'web', image: imageOf('v1.1.0') }])],
      now: epoch + 301_000,
    }),
  )
  t.same(ids(old), [], 'the API server may have dropped them')
})

test('whatever somebody sets, the status at rest names what runs', async (t) => {
  const names = fc.constantFrom('v0', 'v1', 'v2', 'hand')
  const moves = fc.array(fc.record({ at: fc.nat(2), hand: fc.option(names), offered: fc.option(names) }), {
    maxLength: 8,
  })
  fc.assert(
    fc.property(names, fc.subarray(['v2', 'hand']), moves, fc.boolean(), (first, bad, played, enabled) => {
      const cluster = new Simulation(['v0', 'v0', 'v0'].map(imageOf), {
        offered: first,
        bad,
        spec: { rollback: { enabled } },
      })
      for (const { at, hand, offered } of played) {
        const found = cluster.workloads[at]
        if (hand !== null && found) found.image = imageOf(hand)
        if (offered !== null) cluster.offered = offered
        cluster.settle()
        const running = new Set(cluster.images.map((image) => image.replace(/^.*:(\w+)@.*$/, '$1')))
        const said = cluster.object.status.current?.version
        if (said !== [...running].sort().join(', ')) throw new Error(`${said}, but ${[...running]} run`)
      }
    }),
    { numRuns: 300 },
  )
  t.pass('300 clusters')
})
