import { test } from 'tap'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import type { ApiClient, CallOptions } from '../../kubernetes/client.ts'
import { PodLists } from '../../rollouts/observe/pod-lists.ts'
import { epoch, imageOf, object, rollingOut, version } from '../../rollouts/plan/plan.fixture.ts'
import { timestamp } from '../../time/clock.ts'
import { readTree } from './read.ts'

const created = new Date(epoch - 60_000).toISOString()
const owned = (uid: string) => [{ apiVersion: 'apps/v1', kind: 'Owner', name: 'owner', uid, controller: true }]
const labels = (side: string) => ({ app: 'web', side })
const template = (side: string, image: string) => ({
  metadata: { labels: labels(side) },
  spec: { containers: [{ name: 'main', image }] },
})

/** A Deployment `web-<side>` with its ReplicaSet, in the lists of their kinds. */
function deployment(side: string, image: string, replicas: number) {
  const name = `web-${side}`
  const spec = { replicas, selector: { matchLabels: labels(side) }, template: template(side, image) }
  const set = {
    ...spec,
    template: { ...spec.template, metadata: { labels: { ...labels(side), 'pod-template-hash': 'h' } } },
  }
  return {
    deployments: {
      metadata: { name, namespace: 'shop', uid: name, labels: { cvapp: 'web' }, generation: 1 },
      spec,
      status: {},
    },
    replicasets: { metadata: { name: `${name}-h`, uid: `${name}-h`, ownerReferences: owned(name) }, spec: set },
  }
}

function pod(side: string, name: string, image: string, status: object) {
  const metadata = { name, uid: name, creationTimestamp: created, ownerReferences: owned(`web-${side}-h`) }
  const podLabels = { ...labels(side), 'pod-template-hash': 'h' }
  return { metadata: { ...metadata, labels: podLabels }, spec: { containers: [{ name: 'main', image }] }, status }
}

const ready = {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True' }],
  containerStatuses: [{ name: 'main', ready: true }],
}
const pulling = {
  phase: 'Pending',
  containerStatuses: [
    { name: 'main', state: { waiting: { reason: 'ImagePullBackOff', message: 'not found\nat all' } } },
  ],
}

type Lists = Readonly<Record<string, readonly { readonly metadata: object }[] | 'forbidden'>>

/** Lists and reads these objects. A list has those that have the labels of the request. */
function clientOf(lists: Lists): ApiClient {
  const get = async (path: string, { query }: CallOptions = {}) => {
    const [plural = '', name] = path.split('/shop/')[1]?.split('/') ?? []
    const found = lists[plural] ?? []
    if (found === 'forbidden') throw new ApiError(403, 'Forbidden', `you may not list ${plural}`)
    if (name !== undefined) return found.find(({ metadata }) => 'name' in metadata && metadata.name === name)
    const wanted = String(query?.labelSelector ?? '')
      .split(',')
      .map((pair) => pair.split('='))
    const fits = ({ labels: has = {} }: { labels?: Readonly<Record<string, string>> }) =>
      wanted.every(([key = '', value]) => has[key] === value)
    return {
      metadata: {},
      items: found.filter(({ metadata }) => plural === 'replicasets' || fits(metadata)),
    }
  }
  return { get } as unknown as ApiClient
}

const read = (lists: Lists, status: ContainerVersionStatus, spec: Partial<ContainerVersionSpec> = {}) => {
  const client = clientOf(lists)
  return readTree(client, new PodLists(client), object(status, spec), epoch)
}

const [blue, green] = [deployment('blue', imageOf('v1'), 1), deployment('green', imageOf('v2'), 2)]
const service = (name: string, side: string) => ({ metadata: { name }, spec: { selector: { side } } })
const lists = {
  deployments: [blue.deployments, green.deployments],
  replicasets: [blue.replicasets, green.replicasets],
  services: [service('web', 'blue'), service('web-preview', 'green')],
  pods: [
    pod('blue', 'blue-1', imageOf('v1'), ready),
    pod('green', 'green-1', imageOf('v2'), ready),
    pod('green', 'green-2', imageOf('v2'), pulling),
    // Of somebody else.
    { ...pod('green', 'stranger', imageOf('v1'), ready), metadata: { name: 'stranger', labels: labels('green') } },
  ],
}

test('both sides of a blue/green rollout are there, with the Services, the step, the checks and the pods', async (t) => {
  const strategy = {
    kind: 'ServiceBlueGreen' as const,
    blueGreen: { serviceName: 'web', verificationServiceName: 'web-preview' },
  }
  const step = { index: 2, of: 4, name: 'verify', since: timestamp(epoch) }
  const checks = [{ name: 'smoke', kind: 'Image', step: 'strategy', state: 'Running' }] as const
  const settings = { timeoutSeconds: 900, strategy, verify: [] }
  const rollout = { ...rollingOut(), from: 'v1', strategy: strategy.kind, settings, step, checks: [...checks] }
  const tree = await read(lists, { phase: 'Verifying', message: 'it is verified', rollout })
  t.match(tree, {
    namespace: 'shop',
    name: 'web-cv',
    follows: 'env-prod',
    status: 'Verifying',
    message: 'it is verified',
    rollout: { version: 'v2', from: 'v1', strategy: 'ServiceBlueGreen', step, deadline: timestamp(epoch + 900_000) },
    checks,
    services: [
      { name: 'web', role: 'Live', selector: { side: 'blue' }, selects: ['Deployment/web-blue'] },
      { name: 'web-preview', role: 'Verification', selects: ['Deployment/web-green'] },
    ],
    held: [],
    notShown: [],
  })
  t.same(tree.workloads, [
    {
      kind: 'Deployment',
      name: 'web-blue',
      version: 'v1',
      ready: 1,
      wanted: 1,
      role: 'Live',
      pods: [{ name: 'blue-1', version: 'v1', ready: true, since: timestamp(epoch - 60_000), trouble: undefined }],
    },
    {
      kind: 'Deployment',
      name: 'web-green',
      version: 'v2',
      ready: 1,
      wanted: 2,
      role: 'Idle',
      pods: [
        { name: 'green-1', version: 'v2', ready: true, since: timestamp(epoch - 60_000), trouble: undefined },
        {
          name: 'green-2',
          version: 'v2',
          ready: false,
          since: timestamp(epoch - 60_000),
          trouble: 'container main is in ImagePullBackOff: not found',
        },
      ],
    },
  ])
})

test('after a rollout, the last one is there with its checks, and what holds the next', async (t) => {
  const { digest } = version('v2')
  const checks = [{ name: 'smoke', kind: 'Image', step: 'strategy', state: 'Failed', message: 'no' }] as const
  const ended = {
    id: 'r1',
    digest,
    version: 'v2',
    outcome: 'RolledBack',
    startTime: '',
    endTime: '',
    duration: '1s',
  } as const
  const held = [{ by: 'Quarantine', message: 'it failed' }]
  const next = { digest, version: 'v2', heldBy: 'Quarantine' }
  const rollouts = [{ ...ended, checks: [...checks], workloads: [] }]
  const tree = await read(lists, { phase: 'RolledBack', rollouts, next, held })
  t.match(tree, { lastRollout: ended, checks, next, held, rollout: undefined, services: [] })
  t.notHas(tree.lastRollout, { workloads: [] })
  t.same(
    tree.workloads.map(({ role }) => role),
    [undefined, undefined],
    'no Service tells which side is live',
  )
})

test('what the account may not read is left out, and said once', async (t) => {
  const tree = await read({ ...lists, pods: 'forbidden', statefulsets: 'forbidden' }, { phase: 'UpToDate' })
  t.same([...tree.notShown].sort(), ['you may not list pods', 'you may not list statefulsets'])
  t.match(tree.workloads, [{ name: 'web-blue', ready: 0, wanted: 1, pods: [] }, { name: 'web-green' }])
})

test('a DaemonSet wants a pod on each node that it fits, and a pod that is deleted does not count', async (t) => {
  const daemonSet = {
    metadata: { name: 'agent', namespace: 'shop', uid: 'web-blue-h', labels: { cvapp: 'web' }, generation: 1 },
    spec: { selector: { matchLabels: labels('blue') }, template: template('blue', imageOf('v1')) },
    status: { desiredNumberScheduled: 3 },
  }
  const going = pod('blue', 'going', imageOf('v1'), ready)
  const pods = [going, { ...going, metadata: { ...going.metadata, deletionTimestamp: created } }]
  const tree = await read({ daemonsets: [daemonSet], pods }, {})
  t.match(tree, { status: 'Pending', workloads: [{ kind: 'DaemonSet', ready: 1, wanted: 3 }] })
  t.match(tree.workloads[0]?.pods, [{ trouble: undefined }, { trouble: 'it is being deleted' }])
})

test('a CronJob shows its version alone, and a Pod itself', async (t) => {
  const cronJob = {
    metadata: { name: 'nightly', namespace: 'shop', uid: 'c', labels: { cvapp: 'web' } },
    spec: { schedule: '@daily', jobTemplate: { spec: { template: template('job', imageOf('v2')) } } },
  }
  const stranger = pod('blue', 'stranger', imageOf('v1'), ready)
  const { spec } = stranger
  const bare = {
    metadata: { name: 'bare', namespace: 'shop', uid: 'b', creationTimestamp: created },
    spec,
    status: ready,
  }
  const labelled = { ...bare, metadata: { ...bare.metadata, labels: { cvapp: 'web' } } }
  const { workloads } = await read({ cronjobs: [cronJob], pods: [labelled, stranger] }, {})
  t.same(
    workloads.map(({ kind, name, version, pods }) => [kind, name, version, pods.map((one) => one.name)]),
    [
      ['CronJob', 'nightly', 'v2', []],
      ['Pod', 'bare', 'v1', ['bare']],
    ],
  )
  t.same(
    workloads.map(({ ready, wanted }) => [ready, wanted]),
    [
      [0, undefined],
      [1, undefined],
    ],
  )
})
