import { setTimeout as sleep } from 'node:timers/promises'
import { slowAnnotation } from '../../harness/pod-marks.ts'
import { type Bed, operatorUser } from '../bed.ts'
import { crashing, hanging, v1, v2 } from '../builds.ts'
import { type WorkloadKindName, workload } from '../manifests.ts'
import { bare, isMirrored, podPath, podsOf, quota, rewritesPodImages, writesStatus } from '../raw-pods.ts'
import { type AddTest, emptyWorld, scenario, webCv, workloads } from '../scenario.ts'
import type { World } from '../world.ts'

const follows = 'env-prod'
const slow = { podAnnotations: { [slowAnnotation]: 'true' } }

/** Whose pods they are, which of them count, and what they say about a version. */
export function pods(test: AddTest, bed: Bed): void {
  test('other pods with the labels of a StatefulSet are never deleted', async (t) => {
    const world = await scenario(t, bed, { statefulSet: 'carts', running: v1, follows, workload: slow })
    const other = workload({
      kind: 'StatefulSet',
      name: 'other',
      namespace: world.namespace,
      image: world.imageOf(hanging),
    })
    const labels = { app: 'carts', part: 'other' }
    Object.assign(other.spec as object, { selector: { matchLabels: labels }, replicas: 1 })
    Object.assign((other.spec as { template: { metadata: object } }).template.metadata, { labels })
    await world.makes(other, bare(world, 'probe-1', { app: 'carts' }, hanging))
    await world.waitsFor('the other pods', async () => (await podsOf(world, 'carts')).length === 4)
    await areReady(world, 'StatefulSet', 'carts', 2)
    await world.ciMoves(follows, v2)
    await world.sees('carts', v2, 'StatefulSet')
    await world.runs(v2)
    t.same(await deletedPods(world), [])
    const names = (await podsOf(world, 'carts')).map(({ metadata }) => metadata.name)
    t.same(names.sort(), ['carts-0', 'carts-1', 'other-0', 'probe-1'])
  })

  test('a copy of a pod that crashes says nothing about the version of the Deployment', async (t) => {
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows, workload: slow })
    await world.ciBuilds(crashing)
    const copy = bare(world, 'web-debug', { app: 'web' }, v2)
    const { containers } = copy.spec as { containers: object[] }
    containers.push({ name: 'shell', image: world.imageOf(crashing) })
    await world.makes(copy)
    await world.ciMoves(follows, v2)
    await world.sees('web', v2)
    await world.runs(v2)
    t.equal(await world.imagePatches('web'), 1, 'it was not rolled back')
  })

  test('a policy may rewrite the images of pods: a StatefulSet with slow pods is rolled out, and no pod is deleted', async (t) => {
    const world = await emptyWorld(t, bed)
    await rewritesPodImages(world)
    await world.ciMoves(follows, v1)
    const carts = workloads(world, { statefulSet: 'carts', running: v1, workload: slow })
    await world.makes(...carts, webCv(world, follows))
    await world.runs(v1)
    await areReady(world, 'StatefulSet', 'carts', 2)
    t.ok((await podsOf(world, 'carts')).every(isMirrored))
    await world.ciMoves(follows, v2)
    await world.sees('carts', v2, 'StatefulSet')
    await world.runs(v2)
    t.equal(await world.imagePatches('carts'), 1)
    t.same(await deletedPods(world), [])
  })

  for (const [what, waiting] of Object.entries(healing)) {
    test(`${what} heals after 8 s: the version is rolled out`, async (t) => {
      const world = await scenario(t, bed, { deployment: 'web', running: v1, follows, replicas: 1 })
      await world.ciMoves(follows, hanging)
      await world.sees('web', hanging)
      const name = await newPod(world)
      await writesStatus(world, name, { waiting })
      await sleep(8_000)
      t.equal((await world.status()).phase, 'RollingOut', 'it was waited for')
      await writesStatus(world, name, { running: {} }, true)
      await world.runs(hanging)
      t.equal(await world.imagePatches('web'), 1)
    })
  }

  test('an init container of the same image moves along, and the message says how it fails', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves(follows, v1)
    const image = world.imageOf(v1)
    const podSpec = { initContainers: [{ name: 'migrate', image }], containers: [{ name: 'main', image }] }
    const made = workloads(world, { deployment: 'web', running: v1, workload: { podSpec } })
    await world.makes(...made, webCv(world, follows))
    await world.runs(v1)
    await world.ciMoves(follows, v2)
    await world.sees('web', v2)
    await world.runs(v2)
    t.same(world.now('Deployment', 'web')?.images, [world.imageOf(v2), world.imageOf(v2)])
    await world.ciMoves(follows, crashing)
    await world.sees('web', crashing)
    await world.becomes('RolledBack')
    t.match(
      (await world.status()).message,
      /init container migrate of pod web-\S+ exits with 1 \(CrashLoopBackOff after 3 restarts\)/,
    )
    t.same(world.now('Deployment', 'web')?.images, [world.imageOf(v2), world.imageOf(v2)], 'both are back')
  })

  test('the progress deadline of an earlier template does not fail a good version', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves(follows, v2)
    // Its controller repeats the condition until the old pods are gone.
    const strategy = { type: 'Recreate' }
    const timed = { spec: { progressDeadlineSeconds: 1, strategy }, image: world.imageOf(hanging) }
    await world.makes(...workloads(world, { deployment: 'web', running: v1, replicas: 1, workload: timed }))
    await world.waitsFor('its progress deadline', async () =>
      JSON.stringify(await world.get('Deployment', 'web')).includes('ProgressDeadlineExceeded'),
    )
    await world.changes('Deployment', 'web', { spec: { progressDeadlineSeconds: 600 } })
    const [old] = await podsOf(world, 'web')
    const path = podPath(world, old?.metadata.name)
    await bed.client.mergePatch(path, { metadata: { finalizers: ['e2e.cvmanager.io/slow-to-end'] } })
    await world.makes(webCv(world, follows))
    await world.sees('web', v2)
    await sleep(3_000)
    t.equal((await world.status()).phase, 'RollingOut')
    await bed.client.mergePatch(path, { metadata: { finalizers: null } })
    await world.runs(v2)
    t.equal(await world.imagePatches('web'), 1)
  })

  test('the message quotes the quota that refuses the pods of a StatefulSet', async (t) => {
    const spec = { timeoutSeconds: 12 }
    const world = await scenario(t, bed, { statefulSet: 'carts', running: v1, follows, spec })
    await world.makes(quota(world))
    await world.ciMoves(follows, v2)
    await world.sees('carts', v2, 'StatefulSet')
    await world.waitsFor(
      'the end of the rollout',
      async () => (await world.status()).rollouts?.[0]?.version === v2.name,
    )
    t.match((await world.status()).rollouts?.[0]?.message, /StatefulSet\/carts: .*exceeded quota: compute/)
  })

  test('a DaemonSet is rolled out to the other nodes if one was away before', async (t) => {
    await Promise.all([1, 2, 3].map((at) => bed.client.create('/api/v1/nodes', agentNode(`agent-${at}`))))
    const podSpec = { nodeSelector: { of: 'agent' }, tolerations: [{ key: 'of', operator: 'Exists' }] }
    const updateStrategy = { rollingUpdate: { maxUnavailable: 2 } }
    const world = await scenario(t, bed, {
      daemonSet: 'agent',
      running: v1,
      follows,
      workload: { spec: { updateStrategy }, podSpec },
      spec: { timeoutSeconds: 40 },
    })
    await areReady(world, 'DaemonSet', 'agent', 3)
    const [dead] = await podsOf(world, 'agent')
    const name = dead?.metadata.name ?? ''
    // Its kubelet says nothing more, and lets no pod go.
    await bed.client.mergePatch(podPath(world, name), { metadata: { finalizers: ['e2e.cvmanager.io/dead-node'] } })
    await bed.client.strategicPatch(podPath(world, name, '/status'), {
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    })
    await areReady(world, 'DaemonSet', 'agent', 2)
    await world.ciMoves(follows, v2)
    await world.sees('agent', v2, 'DaemonSet')
    await world.runs(v2)
    const [rollout] = (await world.status()).rollouts ?? []
    t.match(rollout, { outcome: 'Succeeded', version: v2.name })
    const updated = (await podsOf(world, 'agent')).filter(({ spec }) =>
      spec.containers.every(({ image }) => image === world.imageOf(v2)),
    )
    t.equal(updated.length, 2, 'the pods of the other nodes')
  })
}

/** A node for the DaemonSet of one scenario alone. */
const agentNode = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { of: 'agent', 'kubernetes.io/hostname': name } },
  spec: { taints: [{ key: 'of', value: 'agent', effect: 'NoSchedule' }] },
})

/** Containers that wait for what may come by itself. */
const healing = {
  'a registry that is overloaded': {
    reason: 'ImagePullBackOff',
    message:
      'Back-off pulling image "web": ErrImagePull: rpc error: code = Unknown desc = failed to pull and unpack image "web": unexpected status from HEAD request: 503 Service Unavailable',
  },
  'a pull rate limit': {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "web": ErrImagePull: toomanyrequests: You have reached your pull rate limit',
  },
  'a pull whose cause an older kubelet hides': {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "web"',
  },
  'a ConfigMap that is not there yet': {
    reason: 'CreateContainerConfigError',
    message: 'configmap "web" not found',
  },
} as const

const areReady = (world: World, kind: WorkloadKindName, name: string, count: number): Promise<void> =>
  world.waitsFor(`${count} ready pods of ${name}`, () => world.now(kind, name)?.ready === count)

/** The pods that cvmanager has deleted. */
async function deletedPods({ bed, namespace }: World): Promise<readonly unknown[]> {
  const deletions = await bed.cluster.auditLog({ user: operatorUser, verbs: ['delete'], namespace })
  return deletions.map(({ objectRef }) => objectRef?.name)
}

/** The first pod that kwok has started with the new version. */
async function newPod(world: World): Promise<string> {
  let name: string | undefined
  await world.waitsFor('a pod of the new version', async () => {
    const found = (await podsOf(world, 'web')).find(
      ({ spec, status }) => status.phase === 'Running' && spec.containers[0]?.image === world.imageOf(hanging),
    )
    name = found?.metadata.name
    return name !== undefined
  })
  return name ?? ''
}
