/** What keeps a version from being tried: nothing of it is a failure of the version, and nothing of it has no end. */
import { test } from 'tap'
import { shortDigest } from '../../images/digest.ts'
import { epoch, imageOf } from './plan.fixture.ts'
import type { Simulated } from './simulated.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const second = 1_000
const minute = 60 * second

/** Workloads that run v1; v2 is on offer from now on. */
function offeredV2(count = 1, more: Partial<ConstructorParameters<typeof Simulation>[1]> = {}): Simulation {
  const running = Array.from({ length: count }, () => imageOf('v1'))
  const cluster = new Simulation(running, { offered: 'v1', spec: { timeoutSeconds: 30 }, ...more })
  cluster.settle()
  cluster.offered = 'v2'
  return cluster
}

const firstOf = ({ workloads: [first] }: Simulation): Simulated => {
  if (!first) throw new Error('there is a workload')
  return first
}
const eventsOf = (cluster: Simulation): readonly string[] => [...cluster.events.values()].map(({ reason }) => reason)
const messageOf = (cluster: Simulation, reason: string): string | undefined =>
  [...cluster.events.values()].find((event) => event.reason === reason)?.message
const patchesTo = (cluster: Simulation, name: string): number =>
  cluster.patches.filter((patch) => patch.endsWith(imageOf(name))).length
const reasonOf = ({ object: { status } }: Simulation): string | undefined => status.conditions?.[0]?.reason

/** In no quarantine, and back where it was. */
const untouched = { rollout: undefined, quarantined: undefined, current: { version: 'v1' } }

test('a rewritten image is patched once, told at once with who may rewrite it, and put back', async (t) => {
  const rewrite = (image: string) => image.replace(/:v2@sha256:.*/, ':latest')
  const cluster = offeredV2(2, { rewrite })
  cluster.run(2 * second)
  t.equal(patchesTo(cluster, 'v2'), 2, 'one for each workload')
  t.same(cluster.images, [imageOf('v1'), imageOf('v1')])
  const message = messageOf(cluster, 'ImageRewritten') ?? ''
  for (const says of [
    `container web of Deployment/web-0 got ${rewrite(imageOf('v2'))} instead of ${shortDigest(imageOf('v2'))}`,
    'kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies',
    'The previous images are put back.',
  ])
    t.ok(message.includes(says), message)
  t.match(cluster.past, [{ version: 'v2', outcome: 'Aborted', reason: 'ImageRewritten' }])
  t.match(cluster.object.status, { ...untouched, phase: 'Stalled', next: { heldBy: 'ImageRewritten' } })

  cluster.run(26 * second)
  t.equal(patchesTo(cluster, 'v2'), 2, 'not tried again yet')
  cluster.run(2 * minute)
  t.equal(patchesTo(cluster, 'v2'), 6, 'twice more, after 30 s and another minute')
  cluster.rewrite = (image) => image
  cluster.object = { ...cluster.object, generation: 2 }
  cluster.run(second)
  t.match(
    cluster.object.status,
    { phase: 'UpToDate', current: { version: 'v2' } },
    'at once after a change of the spec',
  )
})

test('a mirror that gets the same digest is named as what to follow', async (t) => {
  const rewrite = (image: string) => image.replace('registry.example.com', 'mirror.example.com')
  const cluster = offeredV2(1, { rewrite })
  cluster.run(second)
  t.match(
    messageOf(cluster, 'ImageRewritten'),
    /, or set spec\.imageRepo to mirror\.example\.com\/shop\/web if that is your mirror: container web of Deployment\/web-0 got /,
  )
  t.equal(patchesTo(cluster, 'v2'), 1)
})

test('a webhook that rewrites every image does not keep a rollback going', async (t) => {
  const cluster = offeredV2()
  cluster.rewrite = () => imageOf('pinned')
  cluster.run(second)
  t.equal(cluster.patches.length, 2, 'one there, one back')
  t.match(cluster.past, [{ version: 'v2', outcome: 'Aborted', message: /Deployment\/web-0 could not be put back$/ }])
})

test('a version whose patch is refused until the deadline was not tried, and is tried again later', async (t) => {
  const cluster = offeredV2(2)
  const refusing = firstOf(cluster)
  refusing.refuses = true
  cluster.run(41 * second)
  t.match(cluster.past, [{ version: 'v2', outcome: 'Aborted', reason: 'PatchRefused' }])
  t.ok(Date.parse(cluster.past[0]?.endTime ?? '') - epoch <= 42 * second, 'by the deadline and 10 s')
  t.same(cluster.images, [imageOf('v1'), imageOf('v1')], 'the other one is put back')
  t.match(cluster.object.status, untouched)
  refusing.refuses = false
  cluster.run(minute)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('a rollback that was interrupted at the deadline is carried out, however late the next process comes', async (t) => {
  let dies = false
  const cluster = offeredV2(1, { dies: () => dies && cluster.object.status.phase === 'RollingBack' })
  cluster.startMs = 60 * second
  cluster.run(29 * second)
  dies = true
  cluster.now += second
  cluster.reconcile()
  t.match(cluster.object.status, { rollout: { phase: 'RollingBack', reason: 'DeadlineExceeded' } })
  t.same(cluster.images, [imageOf('v2')], 'it was killed before the patch')
  dies = false
  cluster.startMs = 0
  cluster.now += 20 * second
  cluster.run(second)
  t.same(cluster.images, [imageOf('v1')])
  t.match(cluster.object.status, { phase: 'RolledBack', current: { version: 'v1' } })
})

test('a process that finds the limit of a rollback passed gives the pods as long as one in time does', async (t) => {
  let dies = false
  const cluster = offeredV2(1, { bad: ['v2'], dies: () => dies && cluster.object.status.phase === 'RollingBack' })
  cluster.startMs = 5 * second
  dies = true
  for (; cluster.object.status.phase !== 'RollingBack'; cluster.now += second) cluster.reconcile()
  dies = false
  cluster.now += minute
  cluster.run(4 * second)
  t.match(cluster.object.status, { phase: 'RollingBack' })
  cluster.run(5 * second)
  t.match(cluster.past, [{ outcome: 'RolledBack', message: /is in ImagePullBackOff$/ }], 'and is healthy at its end')
})

test('a rollback ends soon after its limit, although something undoes it faster than it is seen', async (t) => {
  const cluster = offeredV2(1, { bad: ['v2'] })
  cluster.startMs = 5 * second
  for (let seconds = 0; seconds < 60; seconds += 1) {
    cluster.reconcile()
    cluster.now += second
    if (cluster.object.status.phase === 'RollingBack') cluster.setImage(firstOf(cluster), imageOf('v2'))
  }
  t.match(cluster.past, [
    { version: 'v2', outcome: 'Failed', message: /Deployment\/web-0 could not be put back, since something undoes it/ },
  ])
})

test('a deletion ends at the limit of a rollback if the patch back is refused, and tells what is left', async (t) => {
  const cluster = offeredV2()
  cluster.reconcile()
  firstOf(cluster).refuses = true
  cluster.object = { ...cluster.object, deleting: true }
  cluster.run(39 * second)
  t.match(cluster.past, [
    {
      outcome: 'Aborted',
      message: 'the ContainerVersion was deleted; Deployment/web-0 could not be put back',
      reason: undefined,
    },
  ])
  t.ok(eventsOf(cluster).includes('RolloutAborted'))
  t.equal(cluster.object.status.rollout, undefined, 'so that the finalizer goes')
})

test('a Deployment that is deleted in the middle and created again goes on with the new one', async (t) => {
  const cluster = offeredV2(1, { bad: ['v3'] })
  const old = firstOf(cluster)
  old.blocked = 'Quota'
  cluster.run(5 * second)
  cluster.workloads.length = 0
  cluster.run(10 * second)
  t.match(cluster.object.status, { phase: 'RollingOut', message: /goes on if this is corrected by .*: no workload/ })
  t.equal(reasonOf(cluster), 'WorkloadNotFound')
  cluster.workloads.push({ name: old.name, image: imageOf('v1'), uid: 'new' })
  cluster.run(5 * second)
  t.same(cluster.images, [imageOf('v2')])
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
  t.match(cluster.past, [{ version: 'v2', outcome: 'Succeeded' }])
  t.equal(cluster.past.length, 1)
})

test('what is gone until the deadline ends the rollout without quarantine, and the version is tried when it is back', async (t) => {
  const cluster = offeredV2()
  cluster.reconcile()
  const [gone] = cluster.workloads.splice(0)
  cluster.run(41 * second)
  t.match(cluster.past, [{ version: 'v2', outcome: 'Aborted', reason: 'WorkloadNotFound' }])
  t.match(cluster.object.status, { ...untouched, current: undefined, phase: 'Stalled' }, 'and nothing runs')
  t.equal(reasonOf(cluster), 'WorkloadNotFound')
  cluster.workloads.push({ name: gone?.name ?? '', image: imageOf('v1'), uid: 'new' })
  cluster.run(minute)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('a rollout goes by the settings that it began with, and the next one by the new ones', async (t) => {
  const cluster = offeredV2()
  firstOf(cluster).blocked = 'Quota'
  cluster.run(5 * second)
  const { spec } = cluster.object
  const strategy = { kind: 'Simple', onNewVersion: 'Wait' } as const
  cluster.object = { ...cluster.object, generation: 2, spec: { ...spec, strategy, timeoutSeconds: 600 } }
  cluster.run(5 * second)
  cluster.offered = 'v3'
  cluster.run(2 * second)
  t.match(
    cluster.past,
    [{ version: 'v2', outcome: 'Superseded', strategy: 'Simple' }],
    'replaced, as it was at its start',
  )
  const { rollout } = cluster.object.status
  t.match(rollout, { version: 'v3', settings: { strategy, timeoutSeconds: 600 } })
  t.equal(Date.parse(rollout?.deadline ?? '') - Date.parse(rollout?.startTime ?? ''), 600 * second)
})

test('a paused workload holds a version back without a deadline, and the rollout starts with the resume', async (t) => {
  const cluster = offeredV2(2)
  const paused = firstOf(cluster)
  paused.blocked = 'Paused'
  cluster.run(20 * minute)
  t.same(cluster.patches, [])
  t.match(cluster.object.status, { ...untouched, phase: 'Pending', next: { version: 'v2', heldBy: 'WorkloadPaused' } })
  t.match(cluster.object.status.held, [{ by: 'WorkloadPaused', name: 'Deployment/web-0' }])
  t.equal(eventsOf(cluster).filter((reason) => reason === 'WorkloadPaused').length, 1, 'one event')
  paused.blocked = undefined
  cluster.run(second)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('a pause in the middle stops the clock, for two status writes', async (t) => {
  const cluster = offeredV2()
  const workload = firstOf(cluster)
  workload.blocked = 'Quota'
  cluster.run(20 * second)
  const before = Date.parse(cluster.object.status.rollout?.deadline ?? '')
  workload.blocked = 'Paused'
  cluster.reconcile()
  const waiting = structuredClone(cluster.object.status)
  t.equal(reasonOf(cluster), 'WorkloadPaused')
  t.match(waiting, { phase: 'RollingOut', message: /waits without a deadline for Deployment\/web-0: Paused/ })
  cluster.run(10 * minute)
  t.same(cluster.object.status, waiting, 'no status write while it is paused')
  cluster.offered = 'v3'
  cluster.run(minute)
  t.equal(patchesTo(cluster, 'v3'), 0, 'nor a newer version')
  cluster.offered = 'v2'
  workload.blocked = 'Quota'
  cluster.reconcile()
  const { deadline, waitingSince } = cluster.object.status.rollout ?? {}
  t.equal(waitingSince, undefined)
  t.equal(Date.parse(deadline ?? '') - before, 11 * minute, 'the deadline has moved by the time of the pause')
  workload.blocked = undefined
  cluster.run(second * 2)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('OnDelete waits for hands without a deadline, while the other workloads keep theirs', async (t) => {
  const cluster = offeredV2(2)
  const onDelete = firstOf(cluster)
  onDelete.blocked = 'OnDelete'
  cluster.run(20 * minute)
  t.match(cluster.object.status, {
    phase: 'RollingOut',
    message: /waits without a deadline for Deployment\/web-0: OnDelete/,
  })
  t.equal(reasonOf(cluster), 'PodsToDelete')
  onDelete.blocked = undefined
  cluster.run(minute)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })

  const other = offeredV2(2)
  firstOf(other).blocked = 'OnDelete'
  const second = other.workloads[1]
  if (second) second.blocked = 'Quota'
  other.run(minute)
  t.match(other.past, [{ version: 'v2', outcome: 'Aborted', reason: 'PodsRefused' }])
})

test('pods that a quota refuses until the deadline end the rollout without quarantine, later each time', async (t) => {
  const cluster = offeredV2()
  const workload = firstOf(cluster)
  workload.blocked = 'Quota'
  cluster.run(32 * second)
  t.match(cluster.past, [
    {
      version: 'v2',
      outcome: 'Aborted',
      reason: 'PodsRefused',
      message: /at the deadline for Deployment\/web-0: Quota$/,
    },
  ])
  t.same(cluster.images, [imageOf('v1')])
  t.match(cluster.object.status, { ...untouched, phase: 'Stalled', next: { heldBy: 'PodsRefused' } })
  cluster.run(10 * minute)
  const starts = cluster.past.map(({ startTime }) => Date.parse(startTime)).toReversed()
  const ends = cluster.past.map(({ endTime }) => Date.parse(endTime)).toReversed()
  t.same(
    starts.slice(1).map((start, at) => start - (ends[at] ?? 0)),
    [30, 60, 120, 240].slice(0, starts.length - 1).map((seconds) => seconds * second),
  )
  t.ok(starts.length >= 4)
  workload.blocked = undefined
  cluster.run(10 * minute)
  t.match(cluster.object.status, { phase: 'UpToDate', current: { version: 'v2' } })
})

test('a failure of the version is one even beside an obstacle', async (t) => {
  const cluster = offeredV2(2, { bad: ['v2'] })
  firstOf(cluster).blocked = 'OnDelete'
  cluster.run(minute)
  t.match(cluster.object.status, { phase: 'RolledBack', quarantined: [{ version: 'v2' }] })
})

test('each step has a time to look again, the deadline at the latest', async (t) => {
  const cluster = offeredV2(1, { spec: {} })
  const { requeueAt, changes } = cluster.reconcile()
  t.match(changes, [{ change: 'images' }])
  t.equal(requeueAt, Date.parse(cluster.object.status.rollout?.deadline ?? ''))
})
