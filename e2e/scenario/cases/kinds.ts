import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import { type Bed, operatorUser, projectFile } from '../bed.ts'
import { type Build, build } from '../builds.ts'
import type { WorkloadKindName } from '../manifests.ts'
import { type AddTest, emptyWorld } from '../scenario.ts'
import type { World } from '../world.ts'

const v1 = build('v1.0.0')
const v2 = build('v1.1.0')
const broken = build('v1.2.0-broken')
const v3 = build('v1.3.0')
/** Their containers do not end by themselves. */
const older = build('v0.9.0-hang')
const oldest = build('v0.8.0-hang')

const proxy = 'registry.example.com/shop/proxy:v5'

interface Case {
  readonly kind: WorkloadKindName
  /** Of examples/workload-kinds. More than one if the kind alone cannot fail. */
  readonly manifests: readonly string[]
  /** Its pods get a new template when a person deletes them. */
  readonly waitsForPerson?: true
}

const cases: readonly Case[] = [
  { kind: 'Deployment', manifests: ['deployment'] },
  { kind: 'StatefulSet', manifests: ['stateful-set'] },
  { kind: 'DaemonSet', manifests: ['daemon-set'] },
  { kind: 'ReplicaSet', manifests: ['replica-set'], waitsForPerson: true },
  { kind: 'CronJob', manifests: ['cron-job', 'deployment'] },
  { kind: 'Pod', manifests: ['pod'] },
]

/** The contract of each kind of workload, and what only one of them does. */
export function kinds(test: AddTest, bed: Bed): void {
  for (const { kind, manifests, waitsForPerson } of cases)
    test(`a ${kind} gets a version by one patch of its image, keeps all else, and goes back to the exact image`, async (t) => {
      const world = await opened(t, bed, manifests)
      const original = await world.get<Raw>(kind, 'web')
      t.equal(await world.imagePatches('web', kind), 0, 'it was adopted as it is')
      await world.kubectl('annotate', `${kind}/web`, 'example.com/owner=jane')
      const takesNewPods = async () => {
        if (!waitsForPerson) return
        await world.becomes('RollingOut', { reason: 'PodsToDelete', of: 'web' })
        t.match(await world.status('web'), { message: /kubectl delete pod -l 'app=web' -n / })
        await world.kubectl('delete', 'pod', '-l', 'app=web')
      }

      await world.ciMoves('env-prod', v2)
      await world.sees('web', v2, kind)
      await takesNewPods()
      await world.runs(v2, 'web')
      t.equal(await world.imagePatches('web', kind), 1)
      await assertOnlyImage(t, world, kind, original, v2)

      await world.kubectl('set', 'image', `${kind}/web`, `web=${world.imageOf(v1)}`)
      await world.sees('web', v1, kind)
      await world.sees('web', v2, kind)
      const [told] = await world.waitsForEvent('ContainerVersion/web', 'DriftDetected')
      t.match(told?.message, new RegExp(`^${kind}/web was set to v1\\.0\\.0 by kubectl-set; v1\\.1\\.0 is put back`))
      await world.waitsFor('it to end', async () => (await world.status('web')).phase === 'UpToDate')

      await world.ciMoves('env-prod', broken)
      await world.sees('web', broken, kind)
      await takesNewPods()
      await world.sees('web', v2, kind)
      if (waitsForPerson) await world.kubectl('delete', 'pod', '-l', 'app=web')
      await world.becomes('RolledBack', { of: 'web' })
      t.equal(await world.imagePatches('web', kind), 4)
      await assertOnlyImage(t, world, kind, original, v2)
      t.match(await world.status('web'), { quarantined: [{ digest: broken.digest }] })
    })

  test('B12 a Pod is the same Pod afterwards: its container restarts with the version, and is ready', async (t) => {
    const world = await opened(t, bed, ['pod'])
    const before = await world.get<Raw>('Pod', 'web')
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    const after = await world.get<Raw>('Pod', 'web')
    t.equal(after.metadata.uid, before.metadata.uid)
    t.match(
      after.status?.containerStatuses?.find(({ name }) => name === 'web'),
      { imageID: `${world.repository}@${v2.digest}`, ready: true },
    )
    t.match((await world.status('web')).rollouts, [{ outcome: 'Succeeded' }])
  })

  test('B13 a running Job of another version holds the whole unit back until it ends, and nothing is half done', async (t) => {
    const world = await opened(t, bed, ['job'], older)
    const held = await world.becomes('Pending', { reason: 'WorkloadImmutable', of: 'web' })
    t.match(held.status.message, /^v1\.0\.0 is rolled out when Job\/report has ended, .*kubectl delete job\/report -n /)
    await world.ciMoves('env-prod', v2)
    await world.waitsFor('the newer one to be held', () => nextOf(world) === v2.name)
    await world.kubectl('rollout', 'pause', 'deployment/web')
    await world.waitsFor('both to hold it', () => holds(world).length === 2)
    await world.kubectl('delete', 'job', 'report')
    await world.waitsFor('the Job to hold it no more', () => holds(world).join() === 'WorkloadPaused')
    await applies(world, 'job', oldest)
    await world.waitsFor('the next Job to hold it', () => holds(world).length === 2)
    await world.kubectl('rollout', 'resume', 'deployment/web')
    await world.waitsFor('the Job alone to hold it', () => holds(world).join() === 'WorkloadImmutable')
    await world.pollsAgain(1)
    t.equal(await world.imagePatches('web'), 0)
    t.equal(
      (await world.eventsAbout('ContainerVersion/web')).filter(({ reason }) => reason === 'DriftDetected').length,
      0,
    )
    await ends(world, 'report')
    await world.runs(v2, 'web')
    t.equal(await world.imagePatches('web'), 1)
    const patched = await bed.cluster.auditLog({ user: operatorUser, namespace: world.namespace, resource: 'jobs' })
    t.same(
      [...new Set(patched.map(({ verb }) => verb))].filter((verb) => verb !== 'get'),
      [],
      'it never writes a Job',
    )
  })

  test('B14 B36 what another object controls is its owner\u2019s business alone, until it is orphaned', async (t) => {
    const world = await opened(t, bed, ['cron-job', 'deployment'])
    const { metadata, spec } = await world.get<Raw>('CronJob', 'web')
    const controller = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'web', uid: metadata.uid, controller: true }
    const template = structuredClone(spec.jobTemplate?.spec.template)
    Object.assign(template?.spec.containers?.[0] ?? {}, { image: world.imageOf(older) })
    await world.makes({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'run', labels: { app: 'web' }, ownerReferences: [controller] },
      spec: { template },
    } as never)
    await world.waitsFor('its pod to run', async () => (await podOf(world, 'run')) !== undefined)
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    t.equal(world.now('Job', 'run')?.images[0], world.imageOf(older), 'the run ends as it began')

    await world.kubectl('patch', 'job', 'run', '--type=merge', '-p', '{"metadata":{"ownerReferences":null}}')
    await world.ciMoves('env-prod', v3)
    await world.becomes('Pending', { reason: 'WorkloadImmutable', of: 'web' })
    await ends(world, 'run')
    await world.runs(v3, 'web')
    const written = await bed.cluster.auditLog({ user: operatorUser, verbs: ['patch'], namespace: world.namespace })
    t.same(
      [...new Set(written.map(({ objectRef }) => objectRef?.resource))]
        .filter((one) => one !== 'containerversions')
        .sort(),
      ['configmaps', 'cronjobs', 'deployments'],
    )
  })

  test('B51 a suspended CronJob and a ReplicaSet without replicas are patched, and count as healthy', async (t) => {
    const world = await opened(t, bed, ['cron-job', 'replica-set'])
    await world.kubectl('patch', 'cronjob', 'web', '-p', '{"spec":{"suspend":true}}')
    await world.kubectl('scale', 'replicaset', 'web', '--replicas=0')
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    for (const kind of ['CronJob', 'ReplicaSet'] as const) t.equal(await world.imagePatches('web', kind), 1, kind)
    t.equal((await world.get<Raw>('CronJob', 'web')).spec.suspend, true)
  })

  test('B33 all containers of container.names get the version, and a workload that lacks one stops all', async (t) => {
    const world = await opened(t, bed, ['several-containers'])
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    t.same(
      world.now('Deployment', 'web')?.images,
      [v2, v1, v2].map((one) => world.imageOf(one)),
    )
    const { spec } = await world.get<Raw>('Deployment', 'web')
    const lacking = structuredClone(spec)
    const pod = lacking.template?.spec as { initContainers?: unknown }
    delete pod.initContainers
    const labels = { app: 'web' }
    const worker = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'worker', labels }, spec: lacking }
    await world.makes(worker as never)
    const { status } = await world.becomes('Stalled', { reason: 'ContainerNotFound', of: 'web' })
    t.match(
      status.message,
      /Deployment \S+\/worker has no container migrate; its containers are web, debug\. Each workload/,
    )
    await world.ciMoves('env-prod', v3)
    await world.pollsAgain(2)
    t.equal(await world.imagePatches('web'), 1, 'nothing changes meanwhile')
    await world.kubectl('delete', 'deployment', 'worker')
    await world.runs(v3, 'web')
  })

  test('a disruption budget that allows no eviction does not stop a rollout', async (t) => {
    const world = await opened(t, bed, ['deployment'])
    await world.kubectl('create', 'pdb', 'web', '--selector=app=web', '--max-unavailable=0')
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    t.equal(await world.imagePatches('web'), 1)
  })

  test('a ContainerVersion that selects nothing names all kinds that it could select', async (t) => {
    const world = await opened(t, bed, ['pod'])
    await world.kubectl('delete', 'pod', 'web')
    const { status } = await world.becomes('Stalled', { reason: 'WorkloadNotFound', of: 'web' })
    t.match(status.message, /no Deployment, StatefulSet, DaemonSet, ReplicaSet, CronJob, Job, Pod in namespace/)
  })
}

interface Raw {
  readonly metadata: {
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly managedFields?: readonly {
      readonly manager: string
      readonly subresource?: string
      readonly fieldsV1: object
    }[]
  }
  readonly spec: {
    readonly suspend?: boolean
    readonly template?: { readonly spec: object }
    readonly jobTemplate?: {
      readonly spec: { readonly template: { readonly spec: { readonly containers?: readonly object[] } } }
    }
  }
  readonly status?: { readonly containerStatuses?: readonly { readonly name: string }[] }
}

/** Applies examples as a user does, and waits until they are adopted. @param running the image of the Job in them */
async function opened(t: Test, bed: Bed, manifests: readonly string[], running?: Build): Promise<World> {
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', v1)
  for (const manifest of manifests) await applies(world, manifest, running)
  if (running === undefined) await world.runs(v1, 'web')
  return world
}

async function applies(world: World, manifest: string, running: Build = older): Promise<void> {
  const text = await projectFile(`examples/workload-kinds/${manifest}.yaml`, {
    'namespace: shop': `namespace: ${world.namespace}`,
    'registry.example.com/shop/web:v1.0.0': world.imageOf(v1),
    'registry.example.com/shop/web:v0.9.0': world.imageOf(running),
    'registry.example.com/shop/web': world.repository,
  })
  await world.bed.cluster.applyText(text)
}

const holds = (world: World) => (world.now('ContainerVersion', 'web')?.status.held ?? []).map(({ by }) => by)
const nextOf = (world: World) => world.now('ContainerVersion', 'web')?.status.next?.version

/** Of the spec nothing but the image of `web` has changed, and cvmanager owns nothing else. */
async function assertOnlyImage(t: Test, world: World, kind: WorkloadKindName, before: Raw, now: Build): Promise<void> {
  const after = await world.get<Raw>(kind, 'web')
  const expected = JSON.stringify(before.spec).replaceAll(world.imageOf(v1), world.imageOf(now))
  t.ok(JSON.stringify(before.spec).includes(proxy))
  t.ok(isDeepStrictEqual(after.spec, JSON.parse(expected)), `the spec is ${JSON.stringify(after.spec)}`)
  t.equal(after.metadata.annotations?.['example.com/owner'], 'jane')
  const own = after.metadata.managedFields?.filter(
    ({ manager, subresource }) => manager === 'cvmanager' && !subresource,
  )
  for (const { fieldsV1 } of own ?? []) t.same(leaves(fieldsV1), ['f:image'])
}

function leaves(fields: object): readonly string[] {
  return Object.entries(fields).flatMap(([name, inner]) => (Object.keys(inner).length > 0 ? leaves(inner) : [name]))
}

interface RawPod {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly phase?: string }
}

/** The running pod of a Job. */
async function podOf(world: World, job: string): Promise<RawPod | undefined> {
  const path = `/api/v1/namespaces/${world.namespace}/pods`
  const query = { labelSelector: `job-name=${job}` }
  const { items } = await world.bed.client.get<{ items: readonly RawPod[] }>(path, { query })
  return items.find(({ status }) => status?.phase === 'Running')
}

/** The containers of a Job end, as a kubelet says it. */
async function ends(world: World, job: string): Promise<void> {
  let pod: RawPod | undefined
  await world.waitsFor(`the pod of ${job}`, async () => {
    pod = await podOf(world, job)
    return pod !== undefined
  })
  const path = `/api/v1/namespaces/${world.namespace}/pods/${pod?.metadata.name}/status`
  await world.bed.client.mergePatch(path, { status: { phase: 'Succeeded' } })
}
