/** ServiceBlueGreen in a simulated cluster: what happens in which part, and what a failure or a person changes. */
import { type Test, test } from 'tap'
import type { StrategySpec } from '../../api/strategy.ts'
import { imageOf } from './plan.fixture.ts'
import type { Simulated } from './simulated.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const second = 1_000
const blueGreen = { serviceName: 'web', verificationServiceName: 'web-preview' }

interface Given {
  readonly bad?: readonly string[]
  readonly replicas?: number
  readonly idleReplicas?: number
  readonly blueGreen?: Partial<NonNullable<StrategySpec['blueGreen']>>
  readonly dies?: () => boolean
}

/** Blue is live with v1, green is idle with v0, and v2 is offered. */
export function twoSides({ bad = [], replicas = 3, idleReplicas = 0, blueGreen: more = {}, dies }: Given = {}) {
  const strategy: StrategySpec = { kind: 'ServiceBlueGreen', blueGreen: { ...blueGreen, ...more } }
  const options = { offered: 'v1', bad, spec: { timeoutSeconds: 60, strategy }, ...(dies ? { dies } : {}) }
  const cluster = new Simulation([imageOf('v1'), imageOf('v0')], options)
  const [blue, green] = cluster.workloads as [Simulated, Simulated]
  Object.assign(blue, { replicas, podLabels: { app: 'web', color: 'blue' } })
  Object.assign(green, { replicas: idleReplicas, podLabels: { app: 'web', color: 'green' } })
  cluster.services.point('web', { app: 'web', color: 'blue' })
  cluster.services.point('web-preview', { app: 'web', color: 'green' })
  cluster.startMs = 2 * second
  cluster.settle()
  cluster.offered = 'v2'
  return { cluster, blue, green }
}

const colorOf = ({ services }: Simulation, name = 'web') => services.all.get(name)?.selector.color
const reasons = ({ events }: Simulation) => [...events.values()].map(({ reason }) => reason)
/** Reconciles once a second until this holds. */
function until(cluster: Simulation, holds: () => boolean): void {
  for (let times = 0; !holds(); times += 1) {
    if (times > 200) throw new Error(`it does not come: ${JSON.stringify(cluster.object.status)}`)
    cluster.run(second)
  }
}

test('the idle side gets the image and the replicas of the live one, becomes ready, and then users are switched once', (t) => {
  const { cluster, blue, green } = twoSides()
  cluster.services.point('web-preview', { app: 'web', color: 'blue' })
  cluster.reconcile()
  t.match(cluster.object.status, { message: /^rolling out v2 .*\(step 1 of 2, preview\)/ })
  until(cluster, () => green.replicas === 3)
  t.equal(colorOf(cluster), 'blue', 'users stay on the old side meanwhile')
  t.equal(colorOf(cluster, 'web-preview'), 'green')
  until(cluster, () => cluster.object.status.phase === 'UpToDate')
  t.same(cluster.services.changes, ['web-preview: color=green', 'web: color=green'])
  t.same([blue.image, green.image], [imageOf('v1'), imageOf('v2')])
  t.same([blue.replicas, green.replicas], [3, 3])
  t.match(cluster.object.status, {
    current: { version: 'v2' },
    message: 'Deployment/web-1, which serves users, runs v2',
    rollouts: [{ outcome: 'Succeeded', strategy: 'ServiceBlueGreen' }],
  })
  t.same(
    reasons(cluster).filter((reason) => /Switched/.test(reason)),
    ['ServiceSwitched'],
  )
  t.end()
})

test('B30 after success the other side runs another version: that is neither drift nor a second switch', (t) => {
  const { cluster } = twoSides()
  cluster.run(30 * second)
  const { status } = cluster.object
  for (let polls = 0; polls < 200; polls += 1) cluster.run(5 * second)
  t.same(cluster.object.status, status, '200 polls change nothing')
  t.equal(cluster.services.changes.length, 1)
  t.equal(cluster.patches.length, 1)
  t.notOk(status.drifts)
  t.end()
})

test('B32 what the live side should have counts, not what it has', (t) => {
  const { cluster, blue, green } = twoSides()
  blue.blocked = 'Quota'
  cluster.run(30 * second)
  t.equal(green.replicas, 3)
  t.equal(colorOf(cluster), 'green')
  t.end()
})

test('B34 checks never race with the switch: a live side that is scaled meanwhile is caught up with first', (t) => {
  const { cluster, blue, green } = twoSides()
  cluster.startMs = 20 * second
  until(cluster, () => green.replicas === 3)
  cluster.services.onChange = (name) => {
    if (name === 'web') t.ok(green.replicas === 5 && cluster.now >= (green.readyAt ?? 0), 'not before all are ready')
  }
  cluster.run(4 * second)
  cluster.scale(blue, 5)
  until(cluster, () => colorOf(cluster) === 'green')
  t.end()
})

test('B31 ready endpoints count, not pods: of the verification Service before the switch, of the other one before the old side goes', (t) => {
  const { cluster, blue } = twoSides({ blueGreen: { scaleDown: true, scaleDownDelaySeconds: 0 } })
  cluster.services.point('web-preview', { app: 'web', color: 'blue' })
  cluster.services.lagMs = 15 * second
  cluster.services.onChange = (name) => {
    if (name === 'web') t.equal(cluster.endpointsOf('web-preview'), 3)
  }
  until(cluster, () => colorOf(cluster) === 'green')
  until(cluster, () => blue.replicas === 0)
  t.equal(cluster.endpointsOf('web'), 3)
  t.end()
})

for (const [what, selector, says] of [
  [
    'no selector',
    {},
    /Service web must select .* and it has no selector.*kubectl patch service web -n shop -p '{"spec":{"selector":{"color":"blue"}}}'/,
  ],
  ['a selector for both', { app: 'web' }, /it selects both of them: .*kubectl patch service web/],
  ['a selector for none', { app: 'web', color: 'red' }, /it selects none of them/],
] as const) {
  test(`B34 a Service with ${what} is told with what to write, and nothing is changed`, (t) => {
    const { cluster } = twoSides()
    cluster.services.point('web', selector)
    cluster.run(10 * second)
    t.match(cluster.object.status, { phase: 'Stalled', message: says, conditions: [{ reason: 'NoLiveSide' }] })
    t.same(cluster.patches, [])
    t.end()
  })
}

for (const [what, change, reason, says] of [
  ['one Deployment', (cluster: Simulation) => cluster.workloads.pop(), 'NotTwoDeployments', /finds Deployment\/web-0/],
  ['no Service', (cluster: Simulation) => cluster.services.all.delete('web'), 'ServiceNotFound', /no Service web in/],
  [
    'a side without the label',
    ({ workloads: [, green] }: Simulation) => Object.assign(green ?? {}, { podLabels: { app: 'web' } }),
    'LabelMissing',
    /pod template of Deployment\/web-1 has no label color/,
  ],
  [
    'an autoscaler that allows too few pods',
    ({ autoscalers }: Simulation) => autoscalers.set('Deployment/web-1', { name: 'web-1', min: 1, max: 2 }),
    'AutoscalerTooLow',
    /raise its maxReplicas/,
  ],
] as const) {
  test(`with ${what} the status says what to write, and nothing is changed`, (t) => {
    const { cluster } = twoSides()
    change(cluster)
    cluster.run(10 * second)
    t.match(cluster.object.status, { phase: 'Stalled', message: says, conditions: [{ reason }] })
    t.same(cluster.patches, [])
    t.end()
  })
}

test('B35 a version that fails before the switch never gets users, and everything is as before', (t) => {
  const { cluster, blue, green } = twoSides({ bad: ['v2'], idleReplicas: 1 })
  cluster.services.point('web-preview', { app: 'web', color: 'blue' })
  cluster.run(60 * second)
  t.same([blue.image, green.image], [imageOf('v1'), imageOf('v0')])
  t.same([blue.replicas, green.replicas], [3, 1])
  t.equal(colorOf(cluster), 'blue')
  t.equal(colorOf(cluster, 'web-preview'), 'blue')
  t.notOk(cluster.services.changes.some((change) => change.startsWith('web:')))
  t.match(cluster.object.status, {
    phase: 'RolledBack',
    current: { version: 'v1' },
    rollouts: [{ message: /ImagePullBackOff/ }],
  })
  t.match([...cluster.events.values()].at(-1), { message: /v2 failed and was rolled back to v1, after/ })
  t.end()
})

const scaleDown = { scaleDown: true, scaleDownDelaySeconds: 30 }

test('the old side keeps running for a while, and is then scaled to zero', (t) => {
  const { cluster, blue } = twoSides({ blueGreen: scaleDown })
  until(cluster, () => colorOf(cluster) === 'green')
  cluster.run(5 * second)
  t.match(cluster.object.status, {
    phase: 'RollingOut',
    message: /^rolling out v2 \(step 3 of 3, scale down\): Deployment\/web-0 keeps running until 2026/,
    rollout: { switchTime: /Z$/, waitingSince: /Z$/, progress: undefined },
  })
  t.match(cluster.object.status.rollout?.step, {
    name: 'scale down',
    waitingFor: /^Deployment\/web-0 keeps running until/,
  })
  t.equal(blue.replicas, 3)
  t.ok(reasons(cluster).includes('ServiceSwitched'), 'the switch is told at once')
  cluster.run(40 * second)
  t.equal(blue.replicas, 0)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
  cluster.offered = 'v3'
  cluster.run(60 * second)
  t.equal(colorOf(cluster), 'blue', 'the next version goes to the other side')
  t.equal(blue.replicas, 3, 'which gets the replicas of the live one again')
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v3' } })
  t.end()
})

function switched(more: Given = {}) {
  const world = twoSides({ blueGreen: scaleDown, ...more })
  until(world.cluster, () => world.cluster.object.status.rollout?.step?.name === 'scale down')
  return world
}

test('B35 a version that fails while the old side still runs is left with one switch back', (t) => {
  const { cluster, blue, green } = switched()
  cluster.bad.add('v2')
  cluster.reconcile()
  t.match(cluster.object.status.rollout, { phase: 'RollingBack', step: { waitingFor: undefined } })
  cluster.run(20 * second)
  t.same(cluster.services.changes, ['web: color=green', 'web: color=blue'])
  t.same([blue.image, green.image], [imageOf('v1'), imageOf('v0')])
  t.same([blue.replicas, green.replicas], [3, 0])
  t.match(cluster.object.status, { phase: 'RolledBack', current: { version: 'v1' } })
  t.same(
    reasons(cluster).filter((reason) => /Switched/.test(reason)),
    ['ServiceSwitched', 'ServiceSwitchedBack'],
  )
  t.end()
})

test('a ContainerVersion that is deleted after the switch takes users back first, and then the pods', (t) => {
  const { cluster, green } = switched()
  cluster.services.onChange = () => t.equal(green.image, imageOf('v2'), 'the new side is whole until users are back')
  cluster.object = { ...cluster.object, deleting: true }
  cluster.run(20 * second)
  t.equal(colorOf(cluster), 'blue')
  t.equal(green.image, imageOf('v0'))
  t.notOk(cluster.object.status.rollout)
  t.end()
})

test('while Services cannot be read, a side that may serve users is never taken from them', (t) => {
  const { cluster, green } = switched()
  cluster.hidesServices = true
  cluster.run(200 * second)
  t.same([green.image, green.replicas], [imageOf('v2'), 3])
  t.match(cluster.past[0], { outcome: 'Aborted', message: /services cannot be read/ })
  cluster.hidesServices = false
  cluster.run(700 * second)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
  t.equal(cluster.services.changes.length, 1)
  t.end()
})

test('a process that finds the limit of a way back passed waits for the old side to be ready, and gives it the users', (t) => {
  let dies = false
  const { cluster, blue } = switched({ dies: () => dies && cluster.object.status.phase === 'RollingBack' })
  blue.replicas = 0
  cluster.bad.add('v2')
  dies = true
  for (; cluster.object.status.phase !== 'RollingBack'; cluster.now += second) cluster.reconcile()
  t.equal(blue.replicas, 0, 'it was killed before its first change')
  dies = false
  cluster.startMs = 5 * second
  cluster.now += 200 * second
  cluster.run(20 * second)
  t.equal(colorOf(cluster), 'blue')
  t.match(cluster.past[0], { version: 'v2', outcome: 'RolledBack' })
  t.end()
})

test('the way back scales the old side up again before it gets users', (t) => {
  const { cluster, blue } = switched()
  blue.replicas = 0
  cluster.bad.add('v2')
  cluster.services.onChange = () => t.ok(blue.replicas === 3 && cluster.now >= (blue.readyAt ?? 0))
  cluster.run(20 * second)
  t.equal(colorOf(cluster), 'blue')
  t.end()
})

const places: readonly (readonly [string, Record<string, string>, string])[] = [
  ['elsewhere', { app: 'maintenance' }, 'v0'],
  ['to the new side', { app: 'web', color: 'green' }, 'v2'],
]
for (const [where, selector, image] of places) {
  test(`whoever points the Service ${where} before the switch is respected`, (t) => {
    const { cluster, green } = twoSides()
    until(cluster, () => green.replicas === 3)
    cluster.services.point('web', selector)
    cluster.run(60 * second)
    t.same(cluster.services.all.get('web')?.selector, selector)
    t.notOk(cluster.services.changes.some((change) => change.startsWith('web:')))
    t.equal(green.image, imageOf(image), 'a side that serves users keeps its pods')
    t.match(cluster.object.status.rollouts?.[0], { outcome: 'Aborted', reason: 'ServiceChanged' })
    t.end()
  })
}

test('whoever takes users back by hand after the switch is respected', (t) => {
  const { cluster, green } = switched()
  cluster.services.point('web', { app: 'web', color: 'blue' })
  cluster.run(20 * second)
  t.equal(colorOf(cluster), 'blue')
  t.equal(cluster.services.changes.length, 1)
  t.same([green.image, green.replicas], [imageOf('v0'), 0])
  cluster.run(7_200 * second)
  t.match(cluster.object.status, {
    phase: 'Stalled',
    message: /somebody has changed the Service web, .*tries it again when the spec changes, and takes the next version/,
    conditions: [{ reason: 'ServiceChanged' }],
  })
  t.equal(cluster.past.length, 1, 'the same version does not come back by itself')
  cluster.offered = 'v3'
  cluster.run(60 * second)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v3' } })
  t.end()
})

test('a change of the Service while nothing is rolling out is noticed: the version of the tag comes back', (t) => {
  const { cluster } = twoSides()
  cluster.run(30 * second)
  cluster.services.point('web', { app: 'web', color: 'blue' })
  cluster.run(30 * second)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' }, drifts: undefined })
  t.equal(colorOf(cluster), 'green')
  t.equal(cluster.patches.length, 1, 'nothing had to be patched')
  t.end()
})

test('a newer version that comes after the switch goes to the other side, and back to the one that serves', (t) => {
  const { cluster, blue, green } = switched({ bad: ['v3'] })
  cluster.offered = 'v3'
  cluster.run(60 * second)
  t.same([blue.image, green.image], [imageOf('v1'), imageOf('v2')])
  t.equal(colorOf(cluster), 'green')
  t.match(cluster.object.status, { phase: 'RolledBack', current: { version: 'v2' }, rollouts: [{ from: 'v2' }] })
  t.end()
})

test('a newer version goes to the side without users, although a person has just moved them', (t) => {
  const { cluster, blue, green } = twoSides()
  until(cluster, () => green.replicas === 3)
  cluster.services.point('web', { app: 'web', color: 'green' })
  cluster.offered = 'v3'
  cluster.run(60 * second)
  t.same([blue.image, green.image], [imageOf('v3'), imageOf('v2')])
  t.equal(colorOf(cluster), 'blue')
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v3' } })
  t.end()
})

test('a newer version that comes before the switch takes the same side, and a failure restores what was there first', (t) => {
  const { cluster, blue, green } = twoSides({ bad: ['v3'] })
  until(cluster, () => green.replicas === 3)
  cluster.offered = 'v3'
  cluster.run(60 * second)
  t.same([blue.image, green.image], [imageOf('v1'), imageOf('v0')])
  t.same([blue.replicas, green.replicas], [3, 0])
  t.equal(colorOf(cluster), 'blue')
  t.end()
})

test('an autoscaler is not fought: the idle side has at least its minimum, and may have more than the live one', (t) => {
  const few = twoSides({ replicas: 2 })
  few.cluster.autoscalers.set('Deployment/web-1', { name: 'web-1', min: 4, max: 10 })
  few.cluster.run(30 * second)
  t.equal(few.green.replicas, 4)
  const many = twoSides({ replicas: 2, idleReplicas: 6 })
  many.cluster.autoscalers.set('Deployment/web-1', { name: 'web-1', min: 4, max: 10 })
  many.cluster.run(30 * second)
  t.equal(many.green.replicas, 6)
  t.same([colorOf(few.cluster), colorOf(many.cluster)], ['green', 'green'])
  t.end()
})

test('a side that is deleted in the middle ends the rollout, and the other one is restored', (t: Test) => {
  const { cluster, green } = twoSides()
  until(cluster, () => green.replicas === 3)
  cluster.workloads.shift()
  cluster.run(70 * second)
  t.notOk(cluster.object.status.rollout)
  t.same([green.image, green.replicas], [imageOf('v0'), 0])
  t.match(cluster.object.status, { phase: 'Stalled', conditions: [{ reason: 'NotTwoDeployments' }] })
  t.end()
})

test('B35 a side that runs is not scaled to zero because somebody has pointed users at one without pods', (t) => {
  const { cluster, blue, green } = twoSides({ replicas: 0, idleReplicas: 3 })
  until(cluster, () => cluster.object.status.phase === 'UpToDate' && cluster.object.status.current?.version === 'v2')
  t.equal(colorOf(cluster), 'green')
  t.same([blue.replicas, green.replicas], [0, 3])
  t.end()
})
