/** Which images a rollback restores. */
import { test } from 'tap'
import { imageOf, version } from './plan.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

/** Workloads that were healthy with v1. */
function healthy(bad: readonly string[], count = 1): Simulation {
  const running = Array.from({ length: count }, () => imageOf('v1'))
  const cluster = new Simulation(running, { offered: 'v1', bad })
  cluster.settle()
  return cluster
}

/** As `kubectl set image` does. */
function setImage(cluster: Simulation, name: string, at = 0): void {
  const workload = cluster.workloads[at]
  if (workload) workload.image = imageOf(name)
}

const messages = (cluster: Simulation, reason: string): readonly string[] =>
  [...cluster.events.values()].filter((event) => event.reason === reason).map(({ message }) => message)

test('a rollback does not restore an image that was not healthy, but what last ran well', async (t) => {
  const cluster = healthy(['hand', 'v2'])
  setImage(cluster, 'hand')
  cluster.offered = 'v2'
  cluster.settle()
  t.same(cluster.images, [imageOf('v1')])
  t.match(cluster.object.status, { phase: 'RolledBack', current: { version: 'v1' }, quarantined: [{ version: 'v2' }] })
  t.match(messages(cluster, 'RolledBack'), [/^v2 failed and was rolled back to v1, /])
})

test('if nothing else is known, a rollback restores the image that was not healthy, and says so', async (t) => {
  const cluster = new Simulation([imageOf('hand')], { offered: 'v2', bad: ['hand', 'v2'] })
  cluster.settle()
  t.same(cluster.images, [imageOf('hand')])
  const says =
    /; the previous images of Deployment\/web-0 were not healthy before the rollout either, and no better ones are known/
  t.match(messages(cluster, 'RolledBack'), [says])
  t.match(cluster.object.status.message, says)
})

test('an image that was set by hand and is healthy is restored exactly', async (t) => {
  const cluster = healthy(['v2'])
  setImage(cluster, 'hand')
  cluster.offered = 'v2'
  cluster.settle()
  t.same(cluster.images, [imageOf('hand')])
})

test('workloads move as one: an image that is not healthy in one of them is restored in none', async (t) => {
  const cluster = new Simulation(['v1', 'v1', 'v1'].map(imageOf), { offered: 'v1', bad: ['v2'] })
  cluster.settle()
  for (const at of [0, 1]) setImage(cluster, 'hand', at)
  setImage(cluster, 'other', 2)
  const [first] = cluster.workloads
  // Its pods do not get the image, those of the second do.
  if (first) first.blocked = 'Quota'
  cluster.offered = 'v2'
  cluster.reconcile()
  if (first) first.blocked = undefined
  cluster.settle()
  t.same(cluster.images, [imageOf('v1'), imageOf('v1'), imageOf('other')], 'the healthy third keeps its own')
})

test('a rollout that is superseded leaves its previous images to the next one', async (t) => {
  const cluster = healthy(['hand', 'v2', 'v3'])
  setImage(cluster, 'hand')
  cluster.offered = 'v2'
  cluster.reconcile()
  cluster.offered = 'v3'
  cluster.settle()
  t.match(cluster.past, [
    { version: 'v3', outcome: 'RolledBack' },
    { version: 'v2', outcome: 'Superseded' },
  ])
  t.same(cluster.images, [imageOf('v1')])
})

test('a version that failed is not restored, even if it ran well once', async (t) => {
  const cluster = new Simulation([imageOf('v0')], { offered: 'v0' })
  const bad = cluster.bad as Set<string>
  cluster.settle()
  cluster.offered = 'v1'
  cluster.settle()
  t.match(cluster.object.status.lastHealthy, [{ version: 'v1' }, { version: 'v0' }])
  bad.add('v1')
  setImage(cluster, 'hand')
  bad.add('hand')
  cluster.settle()
  t.same(cluster.images, [imageOf('v0')], 'v1 was put back over the hand-made image, and failed this time')
  t.match(cluster.object.status, {
    quarantined: [{ version: 'v1', digest: version('v1').digest }],
    lastHealthy: [{ version: 'v0' }],
    current: { version: 'v0' },
  })
  bad.add('v2')
  setImage(cluster, 'v1')
  cluster.offered = 'v2'
  cluster.settle()
  t.same(cluster.images, [imageOf('v0')])
})

test('an adopted version that is not healthy is current, but nothing to go back to', async (t) => {
  const cluster = healthy(['v2', 'v3'])
  setImage(cluster, 'v2')
  cluster.offered = 'v2'
  cluster.settle()
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' }, lastHealthy: [{ version: 'v1' }] })
  cluster.offered = 'v3'
  cluster.settle()
  t.same(cluster.images, [imageOf('v1')])
  t.match(cluster.object.status, { phase: 'RolledBack', current: { version: 'v1' } })
})

test('what ran well last is restored even if it is not healthy at the moment, and nothing older', async (t) => {
  const cluster = new Simulation([imageOf('v0')], { offered: 'v0', bad: ['v2'] })
  cluster.settle()
  cluster.offered = 'v1'
  cluster.settle()
  const [workload] = cluster.workloads
  if (workload) workload.blocked = 'Quota'
  if (workload) Object.assign(workload, { uid: 'created again, not ready yet' })
  cluster.offered = 'v2'
  cluster.reconcile()
  if (workload) workload.blocked = undefined
  cluster.settle()
  t.same(cluster.images, [imageOf('v1')])
  t.match(messages(cluster, 'RolledBack'), [
    /^v2 failed and was rolled back to v1, .*were not healthy before the rollout/,
  ])
})

test('a rollback over a superseded rollout finds what ran well, which the first one was about to put back', async (t) => {
  const cluster = healthy(['hand', 'v2'])
  setImage(cluster, 'hand')
  t.match(cluster.reconcile().status.rollout, { version: 'v1', workloads: [{ unproven: true }] })
  cluster.offered = 'v2'
  cluster.settle()
  t.same(cluster.images, [imageOf('v1')])
})

test('a status of an earlier release knows what ran well by its past rollouts', async (t) => {
  const cluster = new Simulation([imageOf('v0')], { offered: 'v1', bad: ['v2', 'v3', 'hand'] })
  cluster.settle()
  cluster.offered = 'v2'
  cluster.settle()
  const { lastHealthy, ...earlier } = cluster.object.status
  t.match(lastHealthy, [{ version: 'v1' }])
  cluster.object = { ...cluster.object, status: earlier }
  setImage(cluster, 'hand')
  cluster.offered = 'v3'
  cluster.settle()
  t.same(cluster.images, [imageOf('v1')])
})
