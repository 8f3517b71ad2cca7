import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import type { Build } from '../builds.ts'
import { command } from '../command.ts'
import { broken, opened, type Raw, v1, v2, v3 } from '../kind-examples.ts'
import type { WorkloadKindName } from '../manifests.ts'
import type { AddTest } from '../scenario.ts'
import type { World } from '../world.ts'

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

/** The contract of each kind of workload. */
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

  for (const [kind, manifest] of [
    ['Deployment', 'deployment'],
    ['ReplicaSet', 'replica-set'],
  ] as const)
    test(`an autoscaler that changes the replicas of a ${kind} all the time does not stop a rollout`, async (t) => {
      const world = await opened(t, bed, [manifest])
      const path = `/apis/apps/v1/namespaces/${world.namespace}/${kind.toLowerCase()}s/web/scale`
      let ended = false
      const scaling = async (): Promise<void> => {
        for (let count = 0; !ended; count++) {
          await bed.client.mergePatch(path, { spec: { replicas: 2 + (count % 2) } })
          await sleep(250)
        }
      }
      const scaled = scaling()
      await world.ciMoves('env-prod', v2)
      await world.sees('web', v2, kind).finally(() => {
        ended = true
      })
      await scaled
      if (kind === 'ReplicaSet') await world.kubectl('delete', 'pod', '-l', 'app=web')
      await world.runs(v2, 'web')
      t.equal(await world.imagePatches('web', kind), 1)
    })

  test('cv get and kubectl get show the version of each kind', async (t) => {
    const world = await opened(t, bed, ['cron-job', 'pod'])
    const get = ['cv', 'get', '--k8s-config', bed.kubeconfig, '-n', world.namespace]
    const { output } = await command(bed.cluster.directory, ...get)
    for (const kind of ['CronJob web 0', 'Pod web 1']) {
      const [type, container, pods] = kind.split(' ')
      t.match(output, new RegExp(`web +${type} +${container} +v1\\.0\\.0 +${pods} +web +env-prod`))
    }
    t.match(await world.kubectl('get', 'cv', 'web', '--no-headers'), /^web +env-prod +v1\.0\.0 +UpToDate/)
  })

  test('a ContainerVersion that selects nothing names all kinds that it could select', async (t) => {
    const world = await opened(t, bed, ['pod'])
    await world.kubectl('delete', 'pod', 'web')
    const { status } = await world.becomes('Stalled', { reason: 'WorkloadNotFound', of: 'web' })
    t.match(status.message, /no Deployment, StatefulSet, DaemonSet, ReplicaSet, CronJob, Job or Pod in namespace/)
  })
}

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
