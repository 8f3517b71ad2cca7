import { test } from 'tap'
import { raw } from './contract.fixture.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { healthOf, type PodFacts } from './health.ts'
import { made, ownPod, seconds, waitingPod } from './pod.fixture.ts'
import type { Pod } from './pods.ts'
import { statefulSet } from './stateful-set.ts'
import type { WorkloadObject } from './workload.ts'

const updating = { observedGeneration: 2, replicas: 2, updatedReplicas: 1 }
/** The rollout begins when the pods are made. */
const before = { unavailable: 0, restarts: 0, changed: ['web'] }
const after = (time: number) => ({ now: made + time * 1000, since: made })

function healthWith(...pods: readonly Pod[]) {
  return healthAt(2, ...pods)
}

function healthAt(time: number, ...pods: readonly Pod[]) {
  return healthOf(deployment.strip(raw({ status: updating })), { pods }, after(time), before)
}

const notFound =
  'Back-off pulling image "web:v2": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "web:v2": not found'
const hidden = 'Back-off pulling image "web:v2"'
const tooMany = `${hidden}: ErrImagePull: toomanyrequests: You have reached your pull rate limit`

test('B38 a pod that cannot pull its image, or crashes again and again, is named at once with its reason', async (t) => {
  t.same(healthWith(waitingPod('ImagePullBackOff', notFound)), {
    state: 'stuck',
    reason: `container c0 of pod web-1 is in ImagePullBackOff: ${notFound}`,
  })
  t.match(healthWith(waitingPod('ErrImagePull', notFound)), { state: 'stuck' })
  t.match(healthWith(waitingPod('InvalidImageName')), { state: 'stuck' })
  t.match(healthWith(waitingPod('ErrImageNeverPull')), { state: 'stuck' })
  t.match(healthWith(waitingPod('CrashLoopBackOff', 'back-off', 3)), { state: 'stuck', reason: /after 3 restarts/ })
})

test('a failing container says how it exits, an init container too', async (t) => {
  const exited = (terminated: object) => ({
    name: 'c0',
    restartCount: 3,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated },
  })
  const reasonOf = (given: object, spec: object = {}) => {
    const health = healthWith(ownPod({ spec, status: given }))
    return health.state === 'stuck' ? health.reason : health.state
  }
  const failed = exited({ exitCode: 1, reason: 'Error' })
  t.equal(
    reasonOf({ containerStatuses: [failed] }),
    'container c0 of pod web-1 exits with 1 (CrashLoopBackOff after 3 restarts)',
  )
  t.equal(
    reasonOf({ containerStatuses: [exited({ exitCode: 137, reason: 'OOMKilled' })] }),
    'container c0 of pod web-1 exits with 137: OOMKilled (CrashLoopBackOff after 3 restarts)',
  )
  t.equal(
    reasonOf({ containerStatuses: [exited({ exitCode: 128, reason: 'StartError', message: 'no such file' })] }),
    'container c0 of pod web-1 exits with 128: StartError (CrashLoopBackOff after 3 restarts): no such file',
  )
  t.equal(
    reasonOf(
      { initContainerStatuses: [{ ...failed, name: 'migrate' }] },
      { initContainers: [{ name: 'migrate', image: 'web:v2' }] },
    ),
    'init container migrate of pod web-1 exits with 1 (CrashLoopBackOff after 3 restarts)',
  )
})

test('a container that crashes says so between its crashes, too', async (t) => {
  const terminated = { exitCode: 3, reason: 'Error' }
  const reasonOf = (given: object) => {
    const health = healthWith(ownPod({ status: { containerStatuses: [{ name: 'c0', ready: false, ...given }] } }))
    return health.state === 'waiting' ? health.reason : health.state
  }
  t.match(reasonOf({ restartCount: 1, state: { terminated } }), /: container c0 of pod web-1 exits with 3$/)
  t.match(
    reasonOf({
      restartCount: 2,
      state: { running: { startedAt: '2026-01-02T03:04:05Z' } },
      lastState: { terminated },
    }),
    /: container c0 of pod web-1 runs since 2026-01-02T03:04:05Z after it ended: it exits with 3, and is not ready$/,
  )
})

test('a pod that may still become ready is waited for', async (t) => {
  t.match(healthWith(waitingPod('CrashLoopBackOff', 'back-off', 1)), { state: 'waiting' })
  t.match(healthWith(waitingPod('ContainerCreating')), { state: 'waiting' })
  t.match(healthWith(waitingPod('ErrImagePull')), { state: 'waiting' }, 'the kubelet retries first')
})

test('a pull that may heal is waited for until the deadline, and one without a known cause for five tries', async (t) => {
  for (const time of [2, 100, 1_000]) {
    t.match(healthAt(time, waitingPod('ImagePullBackOff', tooMany)), { state: 'waiting', reason: /toomanyrequests/ })
  }
  t.match(healthAt(140, waitingPod('ImagePullBackOff', hidden)), { state: 'waiting', reason: /Back-off/ })
  t.match(healthAt(151, waitingPod('ImagePullBackOff', hidden)), { state: 'stuck' })
  t.match(healthAt(151, waitingPod('ImageInspectError')), { state: 'stuck' })
  const initialized = { conditions: [{ type: 'Initialized', status: 'True', lastTransitionTime: seconds(100) }] }
  const later = waitingPod('ImagePullBackOff', hidden, 0, { status: initialized })
  t.match(healthAt(240, later), { state: 'waiting' }, 'its init containers took most of the time')
  t.match(healthAt(251, later), { state: 'stuck' })
})

test('a config that is missing gets a minute from when the pod began to miss it', async (t) => {
  const missing = waitingPod('CreateContainerConfigError', 'configmap "web" not found')
  t.match(healthAt(59, missing), { state: 'waiting', reason: /configmap "web" not found/ })
  t.match(healthAt(61, missing), { state: 'stuck', reason: /configmap "web" not found/ })
  const managedFields = [{ manager: 'kubelet', subresource: 'status', time: seconds(300) }]
  const pulledLong = waitingPod('CreateContainerConfigError', 'because', 0, { metadata: { managedFields } })
  t.match(healthAt(310, pulledLong), { state: 'waiting' }, 'the pull before it took five minutes')
  t.match(healthAt(361, pulledLong), { state: 'stuck' })
})

test('a clock that is ahead of the nodes makes nothing final: the rollout has not lasted for that long', async (t) => {
  const object = deployment.strip(raw({ status: updating }))
  const ahead = { now: made + 600_000, since: made + 598_000 }
  for (const pod of [waitingPod('ImagePullBackOff', hidden), waitingPod('CreateContainerConfigError')])
    t.match(healthOf(object, { pods: [pod] }, ahead, before), { state: 'waiting' })
})

test('B31 pods that are evicted, terminating or of another version do not count', async (t) => {
  const broken = waitingPod('ImagePullBackOff', notFound)
  t.match(healthWith({ ...broken, ended: true }), { state: 'waiting' })
  t.match(healthWith({ ...broken, deleting: true }), { state: 'waiting' })
  t.match(healthWith({ ...broken, present: false }), { state: 'waiting' })
})

test('a pod that is stuck is told before one that may heal', async (t) => {
  const health = healthWith(waitingPod('ImagePullBackOff', tooMany), waitingPod('ErrImagePull', notFound))
  t.match(health, { state: 'stuck' })
})

test('a pod that runs and is not ready is named, with its container and since when', async (t) => {
  const container = (name: string, ready: boolean, startedAt: string) => ({
    name,
    ready,
    state: { running: { startedAt } },
  })
  const spec = { containers: [{ name: 'proxy' }, { name: 'web' }] }
  const slow = ownPod({
    spec,
    status: {
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [
        container('proxy', true, '2026-01-02T03:04:05Z'),
        container('web', false, '2026-01-02T03:04:10.123Z'),
      ],
    },
  })
  const reason =
    '1 of 1 pods updated, 1 old still to go, 0 ready: container web of pod web-1 runs since 2026-01-02T03:04:10Z, and is not ready'
  t.same(healthWith(slow), { state: 'waiting', reason })
  t.same(healthAt(60, slow), { state: 'waiting', reason }, 'a minute later it is the same: it costs no write')
})

test('a pod without a node is waited for, and the reason says so', async (t) => {
  const pending = ownPod({
    status: { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }] },
  })
  t.same(healthWith(pending), {
    state: 'waiting',
    reason: '1 of 1 pods updated, 1 old still to go, 0 ready: pod web-1 is not scheduled: 0/3 nodes are available',
  })
})

test("a Deployment's own deadline counts only for this template, or if it passed since the rollout began", async (t) => {
  const health = (message: string, lastUpdateTime: string, facts: Partial<PodFacts> = {}, status: object = {}) => {
    const condition = {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message,
      lastUpdateTime,
    }
    const conditions = [condition, ...('conditions' in status ? (status.conditions as object[]) : [])]
    const object = deployment.strip(raw({ status: { ...updating, conditions } }))
    return healthOf(object, { pods: [], replicaSet: 'web-new', ...facts }, after(10), before)
  }
  const of = (name: string) => `ReplicaSet "${name}" has timed out progressing.`
  t.match(health(of('web-new'), seconds(-60)), { state: 'stuck', reason: of('web-new') })
  t.match(health(of('web-old'), seconds(5)), { state: 'waiting' }, 'the controller repeats it until there is progress')
  const nameless = 'Deployment "web" has timed out progressing.'
  t.match(health(nameless, seconds(-1)), { state: 'waiting' })
  t.match(health(nameless, seconds(5)), { state: 'stuck' })
  const none = { replicaSet: undefined }
  t.match(health(of('web-old'), seconds(5), none), { state: 'waiting' }, 'there is no new ReplicaSet yet')
  t.match(health(nameless, seconds(0)), { state: 'waiting' }, 'in the second in which the rollout began')
  const conditions = [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }]
  t.match(health(of('web-new'), seconds(5), {}, { conditions }), { because: 'Quota' }, 'it could not be tried')
})

test('events say why a set that lacks pods is refused them', async (t) => {
  const object = statefulSet.strip(raw({ status: { observedGeneration: 2, updateRevision: 'new' } }))
  const refusal = 'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota'
  t.equal(object.uncreatedPods, 1)
  t.match(healthOf(object, { pods: [], refusal }, after(10), before), {
    state: 'waiting',
    because: 'Quota',
    reason: /exceeded quota/,
  })
})

test('a paused Deployment waits for the resume, whatever its pods do', async (t) => {
  const object = deployment.strip(raw({ spec: { paused: true }, status: updating }))
  const pods = [waitingPod('ImagePullBackOff', notFound)]
  t.match(healthOf(object, { pods }, after(2), before), { state: 'waiting', because: 'Paused' })
})

const agents = (updated: number, available: number): WorkloadObject =>
  daemonSet.strip(
    raw({
      status: {
        observedGeneration: 2,
        desiredNumberScheduled: 3,
        currentNumberScheduled: 3,
        updatedNumberScheduled: updated,
        numberAvailable: available,
      },
    }),
  )

const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }] } }
const good = ownPod(ready)
/** As the node lifecycle controller leaves it. */
const onDeadNode = ownPod({
  name: 'web-dead',
  revision: 'old',
  status: {
    conditions: [
      { type: 'ContainersReady', status: 'True' },
      { type: 'Ready', status: 'False' },
    ],
  },
})

test('pods that their nodes kept away before the rollout do not hold up its success', async (t) => {
  const health = (object: WorkloadObject, pods: readonly Pod[], unavailable: number, time = 10) =>
    healthOf(object, { pods }, after(time), { ...before, unavailable })
  t.match(health(agents(2, 2), [good, good, onDeadNode], 1), { state: 'healthy' })
  t.match(health(agents(2, 2), [good, good, onDeadNode], 0), { state: 'waiting' }, 'it was there before')
  t.match(health(agents(2, 2), [], 1), { state: 'waiting' }, 'nothing is known of its pods')
  t.match(health(agents(1, 1), [good, onDeadNode, onDeadNode], 1), { state: 'waiting' }, 'one more than before')
  const old = ownPod({ ...ready, revision: 'old' })
  t.match(
    health(agents(2, 2), [good, ownPod(), old], 1),
    { state: 'waiting' },
    'the node is back, another pod is not ready',
  )
  const replaced = ownPod({ name: 'web-dead', status: { startTime: undefined } })
  t.match(health(agents(3, 2), [good, good, replaced], 1), { state: 'waiting' }, 'its kubelet may still take it')
  t.match(health(agents(3, 2), [good, good, replaced], 1, 11), { state: 'healthy' }, 'no kubelet has taken it')
  const nodeLost = ownPod({ status: { reason: 'NodeLost' } })
  t.match(health(agents(3, 2), [good, good, nodeLost], 1), { state: 'healthy' })
  const unschedulable = ownPod({ status: { conditions: [{ type: 'PodScheduled', status: 'False' }] } })
  t.match(health(agents(3, 2), [good, good, unschedulable], 1), { state: 'healthy' })
  t.match(health(agents(3, 2), [good, good, waitingPod('ContainerCreating')], 1), { state: 'waiting' })
})

test('a workload with OnDelete waits for a person only while none of its new pods is unhealthy', async (t) => {
  const spec = { updateStrategy: { type: 'OnDelete' }, replicas: 2 }
  const status = { ...updating, currentRevision: 'old', updateRevision: 'new' }
  const health = (...pods: readonly Pod[]) => healthOf(statefulSet.strip(raw({ spec, status })), { pods }, after(2))
  const runs = { name: 'c0', image: 'web:v2', state: { running: { startedAt: seconds(0) } } }
  const pod = (ready: boolean) => ownPod({ status: { containerStatuses: [{ ...runs, ready }] } })
  t.match(health(pod(true)), { state: 'waiting', because: 'OnDelete' })
  const unready = health(pod(false))
  t.match(unready, { state: 'waiting', reason: /1 of 2 pods updated.*container c0 of pod web-1 .*is not ready/ })
  t.notOk('because' in unready, 'the clock runs')
})
