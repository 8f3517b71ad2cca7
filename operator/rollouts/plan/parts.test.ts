/** The parts of a rollout, each with a deadline of its own, and what a newer version does in the middle. */
import { test } from 'tap'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import { imageOf } from './plan.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const second = 1_000

function offeredV2(orders: readonly number[], spec: Partial<ContainerVersionSpec> = {}, bad: readonly string[] = []) {
  const cluster = new Simulation(
    orders.map(() => imageOf('v1')),
    { offered: 'v1', bad, spec: { timeoutSeconds: 30, ...spec } },
  )
  for (const [at, order] of orders.entries()) (cluster.workloads[at] as { order?: number }).order = order
  cluster.settle()
  cluster.offered = 'v2'
  return cluster
}
const namesIn = (cluster: Simulation) => cluster.patches.map((patch) => patch.split(' ')[0])

test('workloads change in their order, those of one number together, each number healthy before the next', async (t) => {
  const cluster = offeredV2([10, -1, 0, 10])
  const last = cluster.workloads[2]
  if (last) last.blocked = 'Quota'
  cluster.run(5 * second)
  t.same(namesIn(cluster), ['web-1', 'web-2'])
  t.match(cluster.object.status, {
    message: /^rolling out v2 \(step 2 of 3, Deployment\/web-2\)/,
    rollout: { step: { index: 2, of: 3, name: 'Deployment/web-2' } },
  })
  if (last) last.blocked = undefined
  cluster.run(5 * second)
  t.same(namesIn(cluster), ['web-1', 'web-2', 'web-0', 'web-3'])
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('a version that fails in the second number goes back everywhere, and the others never got it', async (t) => {
  const cluster = offeredV2([0, 1, 2])
  const second = cluster.workloads[1]
  if (second) second.blocked = 'Quota'
  cluster.run(5_000)
  cluster.run(35_000)
  t.same(cluster.images, [imageOf('v1'), imageOf('v1'), imageOf('v1')])
  t.notOk(namesIn(cluster).includes('web-2'))
  t.match(cluster.past, [{ version: 'v2', outcome: 'Aborted', reason: 'PodsRefused' }])
})

test('each part has the whole timeout, from when it begins', async (t) => {
  const cluster = offeredV2([0, 1])
  for (const workload of cluster.workloads) workload.blocked = 'Quota'
  cluster.run(20 * second)
  const [first, other] = cluster.workloads
  if (first) first.blocked = undefined
  cluster.run(2 * second)
  const { step, deadline = '' } = cluster.object.status.rollout ?? {}
  t.match(step, { index: 2 })
  t.equal(Date.parse(deadline) - Date.parse(step?.since ?? ''), 30 * second)
  cluster.run(20 * second)
  t.match(cluster.object.status, { phase: 'RollingOut' }, 'the first deadline has passed')
  if (first) first.blocked = 'Quota'
  cluster.run(2 * second)
  t.equal(
    cluster.object.status.rollout?.deadline,
    deadline,
    'an earlier part that is unhealthy again moves no deadline',
  )
  t.match(cluster.object.status.rollout?.step, { index: 2 })
  if (first) first.blocked = undefined
  if (other) other.blocked = undefined
  cluster.run(2 * second)
  t.match(cluster.object.status, { phase: 'UpToDate' })
})

test('a newer version waits for the end of a rollout if the strategy says so, and the status says it', async (t) => {
  const cluster = offeredV2([0], { strategy: { kind: 'Simple', onNewVersion: 'Wait' } })
  const [workload] = cluster.workloads
  if (workload) workload.blocked = 'Quota'
  cluster.run(2 * second)
  cluster.offered = 'v3'
  cluster.run(5 * second)
  t.match(cluster.object.status, {
    rollout: { version: 'v2' },
    held: [
      { by: 'Rollout', message: 'v3 waits until the rollout of v2 has ended (spec.strategy.onNewVersion is Wait)' },
    ],
  })
  if (workload) workload.blocked = undefined
  cluster.run(5 * second)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v3' }, held: undefined })
  t.match(cluster.past, [
    { version: 'v3', outcome: 'Succeeded' },
    { version: 'v2', outcome: 'Succeeded' },
  ])
})

test('all gates are asked before a newer version replaces a rollout', async (t) => {
  const cluster = offeredV2([0])
  const [workload] = cluster.workloads
  if (workload) workload.blocked = 'Quota'
  cluster.run(35 * second)
  t.match(cluster.object.status, { held: [{ by: 'PodsRefused', until: /Z$/ }], rollouts: [{ outcome: 'Aborted' }] })
  cluster.offered = 'v3'
  cluster.run(2 * second)
  cluster.offered = 'v2'
  cluster.run(2 * second)
  t.match(cluster.object.status, { rollout: { version: 'v3' }, held: [{ by: 'PodsRefused' }] })
})

test('a version that replaced another one and fails takes that one back, too, where it had not come yet', async (t) => {
  const cluster = offeredV2([0, 1], {}, ['v3'])
  const other = cluster.workloads[1]
  if (other) other.blocked = 'Quota'
  cluster.run(2 * second)
  t.same(cluster.images, [imageOf('v2'), imageOf('v2')])
  cluster.offered = 'v3'
  cluster.run(2 * second)
  if (other) other.blocked = undefined
  cluster.run(20 * second)
  t.match(cluster.past[0], { version: 'v3', outcome: 'RolledBack' })
  t.same(cluster.images, [imageOf('v1'), imageOf('v1')], 'no workload is left with the version in between')
})

test('two rollouts of one version that begin in one second are two', async (t) => {
  const cluster = offeredV2([0])
  while (cluster.object.status.current?.version !== 'v2') cluster.reconcile()
  const [workload] = cluster.workloads
  if (workload) cluster.setImage(workload, imageOf('v1'))
  cluster.reconcile()
  cluster.run(second)
  t.match(cluster.past, [{ version: 'v2' }, { version: 'v2' }])
  t.equal(cluster.past[0]?.startTime, cluster.past[1]?.startTime)
  t.equal(cluster.records.length, 2)
})
