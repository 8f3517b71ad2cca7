import { test } from 'tap'
import { raw } from './contract.fixture.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { digest, made, ownPod, revision, waitingPod } from './pod.fixture.ts'
import { isOwn, type Pod } from './pods.ts'
import { statefulSet } from './stateful-set.ts'
import { needsPods, workload } from './view.ts'
import type { Before, WorkloadKind } from './workload.ts'

const imageRepo = 'r.example.com/web'
const settled = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }
const times = { now: made, since: made }

const withImage = (image: string) =>
  deployment.strip(raw({ template: { containers: [{ name: 'c0', image }] }, status: settled }))

function runs(image: string, target: string, pods: readonly Pod[] = []): boolean {
  const object = withImage(image)
  return workload(object, object.containers, { pods }, times).runs(target)
}

const podRunning = (imageID: string, of = 'new') =>
  ownPod({ revision: of, status: { containerStatuses: [{ name: 'c0', imageID }] } })

test('an image with the digest of the target runs it, whatever its tag', async (t) => {
  const target = `${imageRepo}:v2@${digest('a')}`
  t.equal(runs(target, target), true)
  t.equal(runs(`${imageRepo}@${digest('a')}`, target), true)
  t.equal(runs(`${imageRepo}:v2@${digest('b')}`, target), false)
  t.equal(runs(`r.example.com/other@${digest('a')}`, target), false, 'another repository')
})

test('an image without a digest runs the target only when all pods of its template do', async (t) => {
  const image = `${imageRepo}:env-prod`
  const target = `${imageRepo}:v2@${digest('a')}`
  const good = podRunning(`${imageRepo}@${digest('a')}`)
  t.equal(runs(image, target), false, 'no pods')
  t.equal(runs(image, target, [good]), true)
  t.equal(runs(image, target, [good, podRunning(`docker-pullable://${imageRepo}@${digest('b')}`)]), false)
  t.equal(runs(image, target, [good, podRunning('')]), false, 'one has not said what it runs')
  t.equal(runs(image, target, [podRunning(`${imageRepo}@${digest('a')}`, 'old')]), false, 'of an earlier template')
  t.equal(
    runs(image, target, [podRunning(`mirror.example.com/web@${digest('a')}`)]),
    true,
    'a policy rewrote its image',
  )
})

test('the digest of a configuration is not taken for that of an image', async (t) => {
  for (const imageID of [digest('a'), `docker://${digest('a')}`, 'a'.repeat(64)])
    t.equal(podRunning(imageID).containers[0]?.digest, undefined, imageID)
})

test('pods are read only if an image has no digest or the workload is not healthy', async (t) => {
  const pinned = withImage(`${imageRepo}:v1@${digest('a')}`)
  const loose = withImage(`${imageRepo}:v1`)
  t.equal(needsPods(pinned, pinned.containers, false), false)
  t.equal(needsPods(loose, loose.containers, false), true)
  t.equal(needsPods(loose, loose.containers, true), false, 'healthy already')
  const unhealthy = daemonSet.strip(raw({ status: { observedGeneration: 2, desiredNumberScheduled: 1 } }))
  t.equal(needsPods(unhealthy, unhealthy.containers, false), true, 'to know which pods their nodes keep away')
})

test('before a rollout, a workload that lacks only pods of lost nodes is healthy, and says how many', async (t) => {
  const status = { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 }
  const object = daemonSet.strip(raw({ status }))
  const ready = ownPod({ status: { conditions: [{ type: 'Ready', status: 'True' }] } })
  const view = (lost: Pod, before?: Before) =>
    workload(object, object.containers, { pods: [ready, lost] }, times, before)
  const lost = { ...ready, ready: false, nodeLost: true }
  t.match(view(lost), { unavailable: 1, health: { state: 'healthy' } })
  t.match(
    view(lost, { unavailable: 0, restarts: 0, changed: ['web'] }),
    { unavailable: 1, health: { state: 'waiting' } },
    'it was there when the rollout began',
  )
  t.match(view({ ...ready, ready: false }), { unavailable: 0, health: { state: 'waiting' } })
})

test('only a broken, live pod of an earlier revision at or above the partition blocks a StatefulSet', async (t) => {
  const stale = waitingPod('ImagePullBackOff', '', 0, { revision: 'old' })
  const blockersOf = (pods: readonly Pod[], spec: object = {}, kind: WorkloadKind = statefulSet, observed = 2) => {
    const object = kind.strip(raw({ spec, status: { observedGeneration: observed, updateRevision: 'new' } }))
    return workload(object, object.containers, { pods }, times).blockers
  }
  t.same(blockersOf([stale]), [{ namespace: 'shop', name: 'web-1', uid: 'uid-of-web-1' }])
  t.same(blockersOf([{ ...stale, ready: true }]), [])
  t.same(blockersOf([{ ...stale, deleting: true }]), [])
  t.same(blockersOf([{ ...stale, present: true }]), [], 'a policy may have rewritten its image; it has the revision')
  t.same(blockersOf([stale], {}, statefulSet, 1), [], 'the update revision is not known yet')
  t.same(blockersOf([stale], { updateStrategy: { rollingUpdate: { partition: 2 } } }), [])
  const fromThree = { ordinals: { start: 3 }, updateStrategy: { rollingUpdate: { partition: 1 } } }
  t.same(blockersOf([{ ...stale, name: 'web-3' }], fromThree), [], 'the partition counts from the first ordinal')
  t.match(blockersOf([{ ...stale, name: 'web-4' }], fromThree), { length: 1 })
  t.same(blockersOf([stale], { updateStrategy: { type: 'OnDelete' } }), [])
  t.same(blockersOf([stale], {}, deployment), [], 'a Deployment replaces its pods itself')
})

const owned = (uid: string, controller = true) => ({
  metadata: { name: `of-${uid}`, ownerReferences: [{ uid, controller }] },
})

test('a pod belongs to its controller, whatever its labels say', async (t) => {
  t.equal(isOwn(owned('uid-of-web'), revision), true)
  t.equal(isOwn(owned('uid-of-web', false), revision), false, 'an owner that does not control it')
  t.equal(isOwn(owned('uid-of-the-web-before'), revision), false, 'a deleted workload of the same name')
  t.equal(isOwn({ metadata: { name: 'web-debug', labels: { app: 'web' } } }, revision), false, 'an orphan')
  t.equal(isOwn({}, { ...revision, controllers: new Set(['']) }), false)
})

const template = (image: string, labels: object = {}) => ({
  metadata: { labels: { app: 'web', ...labels } },
  spec: { containers: [{ name: 'web', image }] },
})

const replicaSet = (name: string, image: string, more: object = {}) => ({
  metadata: {
    name: `web-${name}`,
    uid: `uid-of-${name}`,
    creationTimestamp: '2026-01-02T03:04:05Z',
    labels: { 'pod-template-hash': name },
    ownerReferences: [{ uid: 'uid-of-web', controller: true }],
    ...more,
  },
  spec: { template: template(image, { 'pod-template-hash': name }) },
})

test('a Deployment goes by the ReplicaSet of its template, whatever the annotations of revisions say', async (t) => {
  const annotations = (revision: string) => ({ annotations: { 'deployment.kubernetes.io/revision': revision } })
  const object = deployment.strip(raw({ metadata: annotations('2'), spec: { template: template('v1') } }))
  const [old, bad] = [replicaSet('one', 'v1', annotations('1')), replicaSet('two', 'v2', annotations('2'))]
  // After a rollback to an old template the Deployment has the annotation of the failed one for a while.
  t.match(deployment.revisionOf(object, [bad, old]), { present: 'one', replicaSet: 'web-one' })
  // While it is paused or recreates its pods, there is no ReplicaSet of the new template, and the old one is the newest.
  const waiting = deployment.strip(raw({ metadata: annotations('2'), spec: { template: template('v3') } }))
  t.match(deployment.revisionOf(waiting, [bad, old]), { present: undefined })
  t.same([...deployment.revisionOf(waiting, [bad, old]).controllers].sort(), ['uid-of-one', 'uid-of-two'])
  const others = { ownerReferences: [{ uid: 'uid-of-other', controller: true }] }
  t.match(deployment.revisionOf(object, [replicaSet('one', 'v1', others)]), { present: undefined })
  const older = replicaSet('zero', 'v1', { creationTimestamp: '2026-01-01T00:00:00Z' })
  t.match(deployment.revisionOf(object, [old, older]), { present: 'zero' }, 'the oldest, as the controller chooses')
})

test('a StatefulSet and a DaemonSet have a present revision only once their controller has observed the change', async (t) => {
  const revisionIn = (kind: WorkloadKind, observedGeneration: number, list: readonly unknown[] = []) =>
    kind.revisionOf(kind.strip(raw({ status: { observedGeneration, updateRevision: 'web-new' } })), list)
  t.match(revisionIn(statefulSet, 2), { present: 'web-new', label: 'controller-revision-hash' })
  t.match(revisionIn(statefulSet, 1), { present: undefined })
  const controllerRevision = (hash: string, number: number, uid = 'uid-of-web') => ({
    revision: number,
    metadata: { labels: { 'controller-revision-hash': hash }, ownerReferences: [{ uid, controller: true }] },
  })
  const list = [controllerRevision('a', 3), controllerRevision('b', 4), controllerRevision('c', 5, 'uid-of-other')]
  t.match(revisionIn(daemonSet, 2, list), { present: 'b' })
  t.match(revisionIn(daemonSet, 1, list), { present: undefined })
})
