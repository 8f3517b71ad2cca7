import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Test } from 'tap'
import { ownAddress } from '../../harness/own-network.ts'
import { type Bed, operatorUser, projectFile } from '../bed.ts'
import { type Build, build } from '../builds.ts'
import { podPath } from '../raw-pods.ts'
import { type AddTest, emptyWorld } from '../scenario.ts'
import type { World } from '../world.ts'

const [first, second, third] = ['v1.0.0', 'v1.1.0', 'v1.2.0'].map((name) => build(name)) as [Build, Build, Build]

interface CheckPod {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly labels: Readonly<Record<string, string>>
    readonly ownerReferences: readonly { readonly kind: string; readonly name: string }[]
  }
  readonly spec: {
    readonly activeDeadlineSeconds: number
    readonly containers: readonly { readonly image: string; readonly command?: readonly string[] }[]
  }
}

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

  test('a version migrates the database first, goes out, and must answer through its Service', async (t) => {
    const { port, requests, answers } = await webServer(t)
    const world = await opened(t, bed, 'command-and-http', serviceAt(port))
    await world.ciMoves('env-prod', second)
    await world.sees('web', second)
    await world.runs(second, 'web')
    const pods = await podsOfChecks(world)
    t.match(pods, [
      {
        metadata: { name: /^web-migrate-/, labels: { 'cvmanager.io/check': 'migrate' } },
        spec: {
          serviceAccountName: 'default',
          containers: [
            {
              name: 'web',
              image: world.imageOf(second),
              command: ['./migrate', '--up'],
              env: [{ name: 'DATABASE_URL' }],
            },
          ],
        },
      },
    ])
    t.notMatch(JSON.stringify(pods), /readinessProbe|containerPort/)
    t.equal(pods.length, 1)
    const { rollouts = [] } = await world.status('web')
    t.match(rollouts[0]?.checks, [
      { name: 'migrate', step: 'container', state: 'Passed' },
      { name: 'healthz', step: 'strategy', state: 'Passed', passes: 3, failures: 0 },
    ])
    t.same(requests, ['GET /healthz', 'GET /healthz', 'GET /healthz'])

    // A redirect is not followed, and not good.
    answers.status = 302
    await world.ciMoves('env-prod', third)
    await world.sees('web', third)
    await world.sees('web', second)
    await world.becomes('RolledBack', { of: 'web' })
    t.match(await world.status('web'), {
      quarantined: [{ digest: third.digest }],
      message:
        /v1\.2\.0 failed and was rolled back: check healthz has failed: 1 of 1 measurements was bad: Service web\/healthz answers 302/,
    })
    t.equal(requests.length, 4)
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

  test('whoever writes a ContainerVersion cannot make cvmanager request what is not his', async (t) => {
    const { port, requests } = await webServer(t)
    const world = await opened(t, bed, 'image')
    const service = (name: string, spec: object) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: world.namespace },
      spec,
    })
    await world.makes(
      service('outside', { type: 'ExternalName', externalName: 'localhost' }),
      service('headless', { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80 }] }),
      service('anywhere', { ports: [{ port: 80 }] }),
    )
    const attempts: readonly [object, RegExp][] = [
      [{ url: `http://127.0.0.1:${port}/` }, /httpCheckHosts does not allow 127\.0\.0\.1/],
      [{ url: 'http://169.254.169.254/latest/meta-data' }, /httpCheckHosts does not allow 169\.254\.169\.254/],
      [{ service: 'outside' }, /Service \S+\/outside is of type ExternalName/],
      [{ service: 'headless' }, /Service \S+\/headless is headless/],
      [{ service: 'anywhere' }, /Service \S+\/anywhere has no selector/],
      [{ service: 'kubernetes', port: 443, scheme: 'HTTPS' }, /Service \S+\/kubernetes does not exist/],
    ]
    await world.ciMoves('env-prod', second)
    for (const [http, says] of attempts) {
      await world.changes('ContainerVersion', 'web', { spec: { container: { verify: [{ kind: 'HTTP', http }] } } })
      await world.waitsFor(String(says), async () => says.test((await world.status('web')).message ?? ''))
    }
    t.same(requests, [])
    t.equal(await world.imagePatches('web'), 0)
  })
}

/** Applies the application and one of the examples, as they are, and waits until the first version is adopted. */
async function opened(
  t: Test,
  bed: Bed,
  example: string,
  replaced: Readonly<Record<string, string>> = {},
): Promise<World> {
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', first)
  const words = {
    'registry.example.com/shop': `${bed.registry.host}/${world.namespace}`,
    'namespace: shop': `namespace: ${world.namespace}`,
    // The simulated pods do not say what a tag has led to.
    ':v1.0.0': `:v1.0.0@${first.digest}`,
    ...replaced,
  }
  await bed.cluster.applyText(await projectFile('examples/checks/application.yaml', words))
  await bed.cluster.applyText(await projectFile(`examples/checks/${example}.yaml`, words))
  await world.runs(first, 'web')
  return world
}

async function smokeTest({ registry, namespace }: World, tag: string): Promise<string> {
  return (await registry.push(`${namespace}/smoke`, tag, { content: tag })).digest
}

/** The pods that cvmanager has made, as it has sent them. */
async function podsOfChecks({ bed, namespace }: World): Promise<readonly CheckPod[]> {
  const creates = await bed.cluster.auditLog({ user: operatorUser, verbs: ['create'], namespace })
  return creates
    .filter(({ objectRef, responseStatus }) => objectRef?.resource === 'pods' && responseStatus?.code === 201)
    .map(({ requestObject }) => requestObject as CheckPod)
}

async function presentPods(world: World): Promise<readonly CheckPod[]> {
  const query = { labelSelector: 'cvmanager.io/check' }
  return (await world.bed.client.get<{ items: readonly CheckPod[] }>(podPath(world).slice(0, -1), { query })).items
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

/** The Service of the application gets this machine's address: there is no kube-proxy. */
const serviceAt = (port: number): Readonly<Record<string, string>> => ({
  'type: ClusterIP': `clusterIP: ${ownAddress()}`,
  'port: 80\n': `port: ${port}\n`,
})

async function webServer(t: Test) {
  const requests: string[] = []
  const answers = { status: 200 }
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    response.writeHead(answers.status, { location: 'http://127.0.0.1:1/' }).end('fine')
  }).listen(0)
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a server has a port')
  return { port: address.port, requests, answers }
}
