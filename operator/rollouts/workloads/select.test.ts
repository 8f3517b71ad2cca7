import { test } from 'tap'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import { raw } from './contract.fixture.ts'
import { deployment } from './deployment.ts'
import { type Pod, pod } from './pods.ts'
import { containerNotFound, needsPods, selectContainers, selects, workload } from './select.ts'
import { statefulSet } from './stateful-set.ts'

const digest = (letter: string) => `sha256:${letter.repeat(64)}`
const imageRepo = 'r.example.com/web'
const spec: ContainerVersionSpec = { imageRepo, tag: 'env-prod', selector: { cvapp: 'web' } }
const settled = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }

const withImage = (...images: string[]) =>
  deployment.strip(
    raw({ template: { containers: images.map((image, index) => ({ name: `c${index}`, image })) }, status: settled }),
  )

function runs(image: string, target: string, pods: readonly Pod[] = []): boolean {
  const object = withImage(image)
  return workload(object, object.containers, pods, new Set()).runs(target)
}

const podRunning = (image: string, imageID: string, name = 'c0') =>
  pod({
    metadata: { name: 'web-1' },
    spec: { containers: [{ name, image }] },
    status: { phase: 'Running', containerStatuses: [{ name, imageID }] },
  })

test('B14 the selector does not find a workload that another object controls', async (t) => {
  const owned = deployment.strip(raw({ metadata: { ownerReferences: [{ controller: true }] } }))
  t.equal(selects({ cvapp: 'web' }, deployment.strip(raw())), true)
  t.equal(selects({ cvapp: 'web' }, owned), false)
  t.equal(selects({ cvapp: 'web', tier: 'front' }, deployment.strip(raw())), false, 'all labels count')
  t.equal(selects({ cvapp: 'web' }, deployment.strip(raw({ metadata: { deletionTimestamp: 'now' } }))), false)
})

test('B33 the message about a missing container names it and those that exist', async (t) => {
  const named = { ...spec, container: { name: 'app' } }
  const ofRepository = withImage('r.example.com/web:v1')
  t.same(selectContainers(named, ofRepository), [])
  t.match(containerNotFound(named, ofRepository), {
    reason: 'ContainerNotFound',
    message:
      'Deployment shop/web has no container app; its containers are c0. Name one of them in spec.container.name.',
  })
  const ofAnother = withImage('r.example.com/other:v1')
  t.same(selectContainers(spec, ofAnother), [])
  t.match(containerNotFound(spec, ofAnother).message, /no container whose image is of r\.example\.com\/web/)
})

test('B16 only the named container changes, or those with an image of the repository', async (t) => {
  const object = withImage('r.example.com/proxy:v1', 'r.example.com/web:v1')
  t.match(selectContainers(spec, object), [{ name: 'c1' }])
  const named = selectContainers({ ...spec, container: { name: 'c0' } }, object)
  t.match(workload(object, named, [], new Set()).changeTo('x'), {
    change: 'images',
    of: { kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'uid-of-web', resourceVersion: '7' },
    images: [{ name: 'c0', image: 'x' }],
  })
})

test('an image with the digest of the target runs it, whatever its tag', async (t) => {
  const target = `${imageRepo}:v2@${digest('a')}`
  t.equal(runs(target, target), true)
  t.equal(runs(`${imageRepo}@${digest('a')}`, target), true)
  t.equal(runs(`${imageRepo}:v2@${digest('b')}`, target), false)
  t.equal(runs(`r.example.com/other@${digest('a')}`, target), false, 'another repository')
})

test('an image without a digest runs the target only when all its pods do', async (t) => {
  const image = `${imageRepo}:env-prod`
  const target = `${imageRepo}:v2@${digest('a')}`
  const good = podRunning(image, `${imageRepo}@${digest('a')}`)
  t.equal(runs(image, target), false, 'no pods')
  t.equal(runs(image, target, [good]), true)
  t.equal(runs(image, target, [good, podRunning(image, `docker-pullable://${imageRepo}@${digest('b')}`)]), false)
  t.equal(runs(image, target, [good, podRunning(`${imageRepo}:other`, `${imageRepo}@${digest('a')}`)]), false)
})

test('pods are read only if an image has no digest or the workload is not healthy', async (t) => {
  const pinned = withImage(`${imageRepo}:v1@${digest('a')}`)
  const loose = withImage(`${imageRepo}:v1`)
  t.equal(needsPods(pinned, pinned.containers, false), false)
  t.equal(needsPods(loose, loose.containers, false), true)
  t.equal(needsPods(loose, loose.containers, true), false, 'healthy already')
})

const waiting = (reason: string, restartCount = 0) =>
  pod({
    metadata: { name: 'web-1' },
    spec: { containers: [{ name: 'c0', image: 'new' }] },
    status: { containerStatuses: [{ name: 'c0', restartCount, state: { waiting: { reason, message: 'because' } } }] },
  })

function healthWith(...pods: Pod[]) {
  const object = deployment.strip(raw({ status: { observedGeneration: 2, replicas: 2, updatedReplicas: 1 } }))
  return workload(object, object.containers, pods, new Set(['new'])).health
}

test('B38 a pod that cannot pull its image, or crashes again and again, is named at once with its reason', async (t) => {
  t.same(healthWith(waiting('ImagePullBackOff')), {
    state: 'stuck',
    reason: 'container c0 of pod web-1 is in ImagePullBackOff: because',
  })
  t.match(healthWith(waiting('CrashLoopBackOff', 3)), { state: 'stuck', reason: /after 3 restarts/ })
})

test('a pod that may still become ready is waited for', async (t) => {
  t.match(healthWith(waiting('CrashLoopBackOff', 1)), { state: 'waiting' })
  t.match(healthWith(waiting('ContainerCreating')), { state: 'waiting' })
  t.match(healthWith(waiting('ErrImagePull')), { state: 'waiting' }, 'the kubelet retries first')
})

test('B31 pods that are evicted, terminating or of another version do not count', async (t) => {
  const broken = waiting('ImagePullBackOff')
  t.match(healthWith({ ...broken, ended: true }), { state: 'waiting' })
  t.match(healthWith({ ...broken, deleting: true }), { state: 'waiting' })
  t.match(
    healthWith({ ...broken, containers: broken.containers.map((container) => ({ ...container, image: 'old' })) }),
    { state: 'waiting' },
  )
})

test('a pod without a node is waited for, and the reason says so', async (t) => {
  const pending = pod({
    metadata: { name: 'web-1' },
    spec: { containers: [{ name: 'c0', image: 'new' }] },
    status: { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }] },
  })
  t.same(healthWith(pending), { state: 'waiting', reason: 'pod web-1 is not scheduled: 0/3 nodes are available' })
})

test('only a broken, live pod at or above the partition blocks a StatefulSet', async (t) => {
  const stale = { ...waiting('ImagePullBackOff'), uid: 'u1' }
  const blockersOf = (pods: readonly Pod[], spec: object = {}, kind = statefulSet) => {
    const object = kind.strip(raw({ spec, template: { containers: [{ name: 'c0', image: 'good' }] } }))
    return workload(object, object.containers, pods, new Set()).blockers
  }
  t.same(blockersOf([stale]), [{ namespace: 'shop', name: 'web-1', uid: 'u1' }])
  t.same(blockersOf([{ ...stale, ready: true }]), [])
  t.same(blockersOf([{ ...stale, deleting: true }]), [])
  t.same(blockersOf([stale], { updateStrategy: { rollingUpdate: { partition: 2 } } }), [])
  t.same(blockersOf([stale], { updateStrategy: { type: 'OnDelete' } }), [])
  t.same(blockersOf([stale], {}, deployment), [], 'a Deployment replaces its pods itself')
})
