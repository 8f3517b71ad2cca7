import { test } from 'tap'
import { kindContract, raw, rollingContract } from './contract.fixture.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { workloadKind, workloadKinds, workloadPath } from './kinds.ts'
import { statefulSet } from './stateful-set.ts'

for (const kind of workloadKinds)
  test(kind.kind, (t) => {
    kindContract(t, kind)
    t.end()
  })

test('a Deployment rolls by itself', (t) => {
  rollingContract(t, deployment, {
    healthy: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    empty: { spec: { replicas: 0 }, status: { observedGeneration: 2 } },
    updating: { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 2 },
    unavailable: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 0 },
  })
  t.end()
})

test('a Deployment says that it is paused, or past its own deadline', async (t) => {
  const health = (given: object) => deployment.strip(raw(given)).progress
  t.match(health({ spec: { paused: true } }), {
    state: 'waiting',
    reason: /kubectl rollout resume/,
    because: 'Paused',
  })
  const settled = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }
  t.match(health({ spec: { paused: true }, status: settled }), { because: 'Paused' }, 'whatever its other state')
  const lastUpdateTime = '2026-01-02T03:04:05Z'
  const condition = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' }
  const timedOut = (observedGeneration: number) =>
    deployment.strip(raw({ status: { observedGeneration, conditions: [{ ...condition, lastUpdateTime }] } })).timedOut
  t.same(timedOut(2), { message: 'timed out', time: Date.parse(lastUpdateTime) })
  t.equal(timedOut(1), undefined, 'the condition is about the previous change')
})

test('a Deployment quotes why the API server refuses its pods, or the ReplicaSet that would create them', async (t) => {
  const health = (status: object) => deployment.strip(raw({ status: { observedGeneration: 2, ...status } })).progress
  const message = 'pods "web-1" is forbidden: exceeded quota: compute'
  const refused = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }
  t.same(health({ conditions: [refused] }), {
    state: 'waiting',
    reason: `0 of 1 pods updated; it is refused: ${message}`,
    because: 'Quota',
  })
  const settled = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 }
  t.match(health({ ...settled, conditions: [refused] }), { state: 'healthy' }, 'it has all the pods that it wants')
  const notCreated = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message }
  t.match(health({ observedGeneration: 1, conditions: [notCreated] }), { state: 'waiting', because: 'Quota' })
})

test('a StatefulSet rolls by itself', (t) => {
  rollingContract(t, statefulSet, {
    healthy: {
      observedGeneration: 2,
      updatedReplicas: 1,
      availableReplicas: 1,
      currentRevision: 'b',
      updateRevision: 'b',
    },
    empty: { spec: { replicas: 0 }, status: { observedGeneration: 2, currentRevision: 'a', updateRevision: 'b' } },
    updating: {
      observedGeneration: 2,
      updatedReplicas: 0,
      availableReplicas: 1,
      currentRevision: 'a',
      updateRevision: 'b',
    },
    unavailable: {
      observedGeneration: 2,
      updatedReplicas: 1,
      availableReplicas: 0,
      currentRevision: 'b',
      updateRevision: 'b',
    },
  })
  t.end()
})

test('the partition of a StatefulSet counts, and one with OnDelete says that somebody must delete its pods', async (t) => {
  const health = (given: object) => statefulSet.strip(raw(given)).progress
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }
  const status = { observedGeneration: 2, availableReplicas: 3, currentRevision: 'a', updateRevision: 'b' }
  t.match(health({ spec: { replicas: 3, updateStrategy }, status: { ...status, updatedReplicas: 1 } }), {
    state: 'healthy',
  })
  t.match(health({ spec: { replicas: 3, updateStrategy }, status: { ...status, updatedReplicas: 0 } }), {
    state: 'waiting',
  })
  t.match(health({ spec: { replicas: 3, updateStrategy: { type: 'OnDelete' } }, status }), {
    state: 'waiting',
    reason: /OnDelete/,
    because: 'OnDelete',
  })
})

test('a DaemonSet rolls by itself', (t) => {
  rollingContract(t, daemonSet, {
    healthy: { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 },
    empty: { spec: {}, status: { observedGeneration: 2, desiredNumberScheduled: 0 } },
    updating: { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2 },
    unavailable: { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 },
  })
  t.end()
})

test('each kind has its path on the API server', async (t) => {
  t.same(
    workloadKinds.map(({ kind }) =>
      workloadPath({ kind, namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '1' }),
    ),
    [
      '/apis/apps/v1/namespaces/shop/deployments/web',
      '/apis/apps/v1/namespaces/shop/statefulsets/web',
      '/apis/apps/v1/namespaces/shop/daemonsets/web',
      '/apis/apps/v1/namespaces/shop/replicasets/web',
      '/apis/batch/v1/namespaces/shop/cronjobs/web',
      '/apis/batch/v1/namespaces/shop/jobs/web',
      '/api/v1/namespaces/shop/pods/web',
    ],
  )
  t.throws(() => workloadKind('Node'), /Node/)
})
