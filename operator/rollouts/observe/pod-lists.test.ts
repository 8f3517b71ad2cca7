import { test } from 'tap'
import { ApiError } from '../../kubernetes/api-error.ts'
import type { ApiClient, CallOptions } from '../../kubernetes/client.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { rawPod } from '../workloads/pod.fixture.ts'
import { statefulSet } from '../workloads/stateful-set.ts'
import { PodLists } from './pod-lists.ts'
import { refusalOf } from './refusal.ts'

/** Serves lists page by page, and counts the requests by resource. */
function serving(lists: Readonly<Record<string, readonly unknown[]>>) {
  const requests: string[] = []
  const get = async (path: string, { query = {} }: CallOptions = {}) => {
    const resource = path.slice(path.lastIndexOf('/') + 1)
    requests.push(resource)
    const all = lists[resource]
    if (all === undefined) throw new ApiError(403, 'Forbidden', `GET ${path}: forbidden`)
    const [from, limit] = [Number(query.continue ?? 0), Number(query.limit)]
    const rest = from + limit < all.length ? { continue: String(from + limit) } : {}
    return { metadata: rest, items: all.slice(from, from + limit) }
  }
  return { client: { get } as unknown as ApiClient, requests }
}

const status = { observedGeneration: 2, updateRevision: 'new' }
const carts = statefulSet.strip(raw({ status }))
const other = { kind: 'StatefulSet', uid: 'uid-of-other', controller: true }
const pods = (count: number, given: object = {}) =>
  Array.from({ length: count }, (_, index) => rawPod({ name: `web-${index}`, ...given }))

test('pods of others with the same labels do not use up the bound, and every pod of a StatefulSet is seen', async (t) => {
  const { client } = serving({ pods: [...pods(1_200, { owner: other }), ...pods(700)] })
  t.equal((await new PodLists(client).of(carts, { recent: false })).pods.length, 700)
})

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'v2' }] } }
const web = deployment.strip(raw({ spec: { template } }))
const owner = { kind: 'ReplicaSet', uid: 'uid-of-new', controller: true }
const labels = { app: 'web', 'pod-template-hash': 'new' }
const replicaSet = {
  metadata: { name: 'web-new', uid: 'uid-of-new', labels, ownerReferences: [{ uid: 'uid-of-web', controller: true }] },
  spec: { template: { ...template, metadata: { labels } } },
}

test('of a Deployment, the first pods are enough, and its ReplicaSets are listed once for each change', async (t) => {
  const { client, requests } = serving({
    replicasets: [replicaSet],
    pods: pods(1_200, { owner, metadata: { labels } }),
  })
  const lists = new PodLists(client)
  const { pods: own, replicaSet: name } = await lists.of(web, { recent: false })
  t.equal(own.length, 500)
  t.ok(own.every(({ present }) => present))
  t.equal(name, 'web-new')
  await lists.of(web, { recent: false })
  t.same(requests, ['replicasets', 'pods', 'pods'])
  await lists.of({ ...web, generation: 3 }, { recent: false })
  t.equal(requests.filter((resource) => resource === 'replicasets').length, 2)
})

test('while there is no ReplicaSet of the template, it is looked for again, and no pod is judged', async (t) => {
  const { client, requests } = serving({ replicasets: [], pods: pods(2, { metadata: { labels } }) })
  const lists = new PodLists(client)
  t.same((await lists.of(web, { recent: false })).pods, [])
  await lists.of(web, { recent: false })
  t.equal(requests.filter((resource) => resource === 'replicasets').length, 2)
})

test('the last event of the time in question says why pods are refused', async (t) => {
  const event = (message: string, lastTimestamp: string) => ({ message, lastTimestamp })
  const { client } = serving({
    events: [
      event('quota', '2026-01-02T03:04:05Z'),
      event('older', '2026-01-02T03:00:00Z'),
      event('object is being deleted: pods "web-1" already exists', '2026-01-02T03:06:00Z'),
    ],
  })
  t.equal(await refusalOf(client, carts, Date.parse('2026-01-02T03:04:00Z')), 'quota')
  t.equal(await refusalOf(client, carts, Date.parse('2026-01-02T03:05:00Z')), undefined)
})
