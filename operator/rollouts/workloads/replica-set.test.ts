import { test } from 'tap'
import { raw } from './contract.fixture.ts'
import { healthOf } from './health.ts'
import { digest, made } from './pod.fixture.ts'
import { isOwn, type Pod, pod } from './pods.ts'
import { replicaSet } from './replica-set.ts'
import { needsPods } from './view.ts'

const image = `r.example.com/web:v2@${digest('b')}`
const old = `r.example.com/web:v1@${digest('a')}`
const available = { observedGeneration: 2, replicas: 2, availableReplicas: 2 }
const given = (status: object, replicas = 2) =>
  replicaSet.strip(raw({ spec: { replicas }, template: { containers: [{ name: 'web', image }] }, status }))

const times = { now: made, since: made }
const before = { unavailable: 0, restarts: 0, changed: ['web'] }

/** A pod that the ReplicaSet controls. */
function podWith(name: string, image: string, more: { readonly ready?: boolean; readonly imageID?: string } = {}): Pod {
  const { ready = true, imageID = '' } = more
  const raw = {
    metadata: { name, uid: name, ownerReferences: [{ uid: 'uid-of-web', controller: true }] },
    spec: { containers: [{ name: 'web', image }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ name: 'web', image, imageID, ready, restartCount: 0, state: { running: {} } }],
    },
  }
  const revision = replicaSet.revisionOf(given(available), [])
  if (!isOwn(raw, revision)) throw new Error('it is its own')
  return pod(raw, revision)
}

const health = (status: object, pods: readonly Pod[], replicas = 2) =>
  healthOf(given(status, replicas), { pods }, times, before)

test('a ReplicaSet is healthy in a rollout when its pods have the image, and says who must delete the others', async (t) => {
  t.same(health(available, [podWith('one', image), podWith('two', old)]), {
    state: 'waiting',
    reason:
      "1 of 2 pods updated; a ReplicaSet does not replace its pods: delete them, all at once with kubectl delete pod -l 'app=web' -n shop",
    because: 'OnDelete',
  })
  t.match(health(available, [podWith('one', image), podWith('two', image)]), { state: 'healthy' })
  t.match(health(available, [podWith('one', image), podWith('two', image, { ready: false })]), {
    state: 'waiting',
    reason: /1 of 2 pods ready/,
  })
  t.match(health({ ...available, observedGeneration: 1 }, [podWith('one', image), podWith('two', image)]), {
    state: 'waiting',
    reason: /not observed/,
  })
})

test('a pod whose image a policy has rewritten has the template if it runs the digest', async (t) => {
  const mirrored = (imageID: string) => podWith('one', 'mirror.example.com/web:v2', { imageID })
  t.equal(mirrored(`mirror.example.com/web@${digest('b')}`).present, true)
  t.equal(mirrored(`mirror.example.com/web@${digest('a')}`).present, false)
})

test('B32 B51 the pods that a ReplicaSet wants are those of its spec: with none, it is healthy without any', async (t) => {
  t.match(health({ observedGeneration: 2, replicas: 5 }, [], 0), { state: 'healthy' })
  t.equal(given({ observedGeneration: 2, replicas: 5 }, 0).replicas, 0)
})

test('a ReplicaSet quotes why its pods are refused, before it asks anybody to delete others', async (t) => {
  const conditions = [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }]
  const refused = { observedGeneration: 2, replicas: 1, availableReplicas: 1, conditions }
  t.match(health(refused, [podWith('one', old)]), { because: 'Quota', reason: /exceeded quota/ })
})

test('the pods of a ReplicaSet are read in a rollout alone', async (t) => {
  const object = given(available)
  t.equal(needsPods(object, object.containers, true), true)
  t.equal(needsPods(object, object.containers, false), false)
})
