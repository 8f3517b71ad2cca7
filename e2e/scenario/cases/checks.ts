import type { Bed } from '../bed.ts'
import { type CheckPod, first, opened, podsOfChecks, presentPods, second, smokeTest, third } from '../check-pods.ts'
import type { AddTest } from '../scenario.ts'
import type { World } from '../world.ts'

/** Versions are checked before they reach a workload, and while they run. */
export function checks(test: AddTest, bed: Bed): void {
  test('B37 a version is rolled out when its smoke test has passed, and the pod of the test is gone', async (t) => {
    const world = await opened(t, bed, 'image')
    const digest = await smokeTest(world, 'v1')
    await world.ciMoves('env-prod', second)
    await world.becomes('Verifying', { of: 'web' })
    t.equal((await world.status('web')).phase !== 'UpToDate', true)
    await world.sees('web', second)
    await world.runs(second, 'web')
    const [pod, ...others] = await podsOfChecks(world)
    t.same(others, [], 'one pod')
    t.match(pod, {
      metadata: {
        name: /^web-smoke-[0-9a-f]{10}$/,
        labels: { 'cvmanager.io/check': 'smoke', 'cvmanager.io/containerversion': 'web' },
        ownerReferences: [{ kind: 'ContainerVersion', name: 'web', controller: true }],
      },
      spec: {
        restartPolicy: 'Never',
        activeDeadlineSeconds: 120,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            image: `${bed.registry.host}/${world.namespace}/smoke:v1@${digest}`,
            env: [
              { name: 'NAMESPACE', value: world.namespace },
              { name: 'VERSION', value: 'v1.1.0' },
              { name: 'IMAGE', value: world.imageOf(second) },
              { name: 'DIGEST', value: second.digest },
            ],
            resources: { limits: { cpu: '500m', memory: '256Mi' } },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    })
    t.same(Object.keys(pod?.metadata.labels ?? {}).length, 2, 'labels of its own alone')
    await world.waitsFor('the pod to be gone', async () => (await presentPods(world)).length === 0)
    const { rollouts = [] } = await world.status('web')
    t.match(rollouts[0], { outcome: 'Succeeded', checks: [{ name: 'smoke', state: 'Passed' }] })
    t.same(
      (await world.eventsAbout('ContainerVersion/web')).map(({ reason }) => reason),
      ['Adopted', 'RolloutStarted', 'Verifying', 'RolloutSucceeded'],
    )
  })

  test('a version whose smoke test fails reaches no workload, and the last lines of the log say why', async (t) => {
    const world = await opened(t, bed, 'image', { 'tag: v1\n': 'tag: exit3\n' })
    await smokeTest(world, 'exit3')
    bed.kubelet.logs.set(world.namespace, 'connecting\n\u001B[31mGET /cart: 500\u001B[0m\ncheckout is broken\n')
    // The API server itself holds the pod to it.
    const restricted = 'pod-security.kubernetes.io/enforce'
    await bed.cluster.kubectl('label', 'namespace', world.namespace, `${restricted}=restricted`)
    await world.ciMoves('env-prod', second)
    await world.becomes('RolledBack', { of: 'web' })
    t.equal(await world.imagePatches('web'), 0, 'no workload was changed')
    const status = await world.status('web')
    const cause =
      /check smoke has failed: container check of pod web-smoke-\w+ ends with exit status 3; the last lines of its log: connecting \| GET \/cart: 500 \| checkout is broken/
    t.match(status, {
      message: /^v1\.1\.0 failed and was not rolled out: .*It is not tried again until the tag env-prod moves on/,
      current: { digest: first.digest },
      quarantined: [{ digest: second.digest }],
      rollouts: [{ outcome: 'RolledBack', reason: 'CheckFailed', message: cause, checks: [{ state: 'Failed' }] }],
    })
    t.match(status.message, cause)
    const events = await world.eventsAbout('ContainerVersion/web')
    t.same(
      events.map(({ type, reason }) => `${type} ${reason}`),
      [
        'Normal Adopted',
        'Normal RolloutStarted',
        'Normal Verifying',
        'Warning CheckFailed',
        'Warning RolloutFailed',
        'Warning NotRolledOut',
      ],
    )
    t.notMatch(JSON.stringify(events), /put back/)
    t.match((await world.history('web'))['rollouts.json'], /checkout is broken/)
    await world.waitsFor('the pod to be gone', async () => (await presentPods(world)).length === 0)

    await bed.cluster.kubectl('label', 'namespace', world.namespace, `${restricted}-`)
    await smokeTest(world, 'v2')
    await world.changes('ContainerVersion', 'web', {
      spec: {
        container: { verify: [{ kind: 'Image', image: `${bed.registry.host}/${world.namespace}/smoke`, tag: 'v2' }] },
      },
    })
    await world.sees('web', second)
    await world.runs(second, 'web')
  })

  test('B38 the image of a smoke test that cannot be pulled ends the check at once, and says nothing about the version', async (t) => {
    const world = await opened(t, bed, 'image', { 'tag: v1\n': 'tag: broken\n' })
    await smokeTest(world, 'broken')
    await world.ciMoves('env-prod', second)
    await world.becomes('Stalled', { of: 'web', reason: 'CheckUnavailable' })
    const { message, quarantined, rollouts = [] } = await world.status('web')
    t.match(
      message,
      /could not be tried: check smoke could not be run: container check of pod \S+ is in ImagePullBackOff.*tries it again at/,
    )
    t.equal(quarantined, undefined)
    t.match(rollouts[0], { outcome: 'Aborted', reason: 'CheckUnavailable', checks: [{ state: 'Error' }] })
    const took = Date.parse(rollouts[0]?.endTime ?? '') - Date.parse(rollouts[0]?.startTime ?? '')
    t.ok(took < 20_000, `after ${took} ms, and not after its timeout of 120 s`)
    t.equal(await world.imagePatches('web'), 0)
  })

  test('B10 a smoke test that its own registry does not have is told with that registry', async (t) => {
    const world = await opened(t, bed, 'image')
    await world.ciMoves('env-prod', second)
    await world.becomes('Stalled', { of: 'web', reason: 'CheckUnavailable' })
    t.match((await world.status('web')).message, new RegExp(`check smoke could not be run: .*${world.namespace}/smoke`))
    t.same(await podsOfChecks(world), [], 'no pod was made')
  })

  test('no Service counts the pod of a check, there is never more than one, and it is made again once', async (t) => {
    const world = await opened(t, bed, 'image', { 'tag: v1\n': 'tag: hang\n' })
    await smokeTest(world, 'hang')
    await world.ciMoves('env-prod', second)
    const pod = await theLivePod(world)
    await world.waitsFor('the pod to be in the status', async () => (await poded(world)).length === 1)
    const slices = await bed.client.get<{
      items: readonly { endpoints?: readonly { targetRef?: { uid: string } }[] }[]
    }>(`/apis/discovery.k8s.io/v1/namespaces/${world.namespace}/endpointslices`)
    const uids = slices.items.flatMap(({ endpoints }) => (endpoints ?? []).map(({ targetRef }) => targetRef?.uid))
    t.equal(uids.length, 2)
    t.notOk(uids.includes(pod.metadata.uid))

    await world.kubectl('delete', 'pod', pod.metadata.name, '--grace-period=0', '--force')
    const again = await theLivePod(world, pod.metadata.uid)
    t.equal(again.metadata.name, pod.metadata.name)
    // A newer version in the middle: its own check comes when the pod of the old one is gone.
    await world.ciMoves('env-prod', third)
    const next = await theLivePod(world, pod.metadata.uid, again.metadata.uid)
    t.not(next.metadata.name, again.metadata.name)
    await world.waitsFor('the pod of the new check to be in the status', async () => (await poded(world)).length === 1)
    await world.kubectl('delete', 'pod', next.metadata.name, '--grace-period=0', '--force')
    const last = await theLivePod(world, next.metadata.uid, again.metadata.uid, pod.metadata.uid)
    await world.waitsFor('its second pod to be in the status', async () => (await poded(world)).length === 2)
    await world.kubectl('delete', 'pod', last.metadata.name, '--grace-period=0', '--force')
    await world.becomes('Stalled', { of: 'web', reason: 'CheckUnavailable' })
    t.match((await world.status('web')).message, /its pod \S+ has disappeared before its end, twice/)
    t.equal(await world.imagePatches('web'), 0)
    t.equal(await mostLivePods(world), 1, 'one at a time')
  })

  test('a pod of another, and a quota, are told in the words of the API server', async (t) => {
    const world = await opened(t, bed, 'image')
    await smokeTest(world, 'v1')
    await world.makes({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'compute', namespace: world.namespace },
      spec: { hard: { pods: '2' } },
    })
    await world.ciMoves('env-prod', second)
    await world.becomes('Stalled', { of: 'web', reason: 'CheckUnavailable' })
    t.match(
      (await world.status('web')).message,
      /the API server refuses its pod web-smoke-\w+: .*exceeded quota: compute/,
    )
    t.equal(await world.imagePatches('web'), 0)
    await world.kubectl('delete', 'resourcequota', 'compute')
    await world.sees('web', second)
  })
}

const poded = async (world: World) =>
  ((await world.status('web')).rollout?.checks ?? []).flatMap(({ pods = [] }) => pods)

async function theLivePod(world: World, ...not: readonly string[]): Promise<CheckPod> {
  let found: CheckPod | undefined
  await world.waitsFor('the pod of a check', async () => {
    found = (await presentPods(world)).find(({ metadata }) => !not.includes(metadata.uid))
    return found !== undefined
  })
  return found as CheckPod
}

/** By the audit log: a pod lives from its creation to its deletion. */
async function mostLivePods({ bed, namespace }: World): Promise<number> {
  const writes = await bed.cluster.auditLog({ verbs: ['create', 'delete'], namespace })
  let live = 0
  const counts = writes.flatMap(({ verb, objectRef, requestObject, responseStatus }) => {
    const code = responseStatus?.code ?? 0
    if (objectRef?.resource !== 'pods' || objectRef.subresource || code >= 300) return []
    const name = objectRef.name ?? (requestObject as Partial<CheckPod>).metadata?.name
    if (!name?.startsWith('web-smoke-')) return []
    live += verb === 'create' ? 1 : -1
    return [live]
  })
  return Math.max(...counts)
}
