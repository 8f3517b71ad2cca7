import { type Bed, operatorUser } from '../bed.ts'
import { broken, crashing, hanging, v1, v2, v3 } from '../builds.ts'
import type { WorkloadKindName } from '../manifests.ts'
import { type AddTest, emptyWorld, scenario, webCv, workloads } from '../scenario.ts'
import type { World } from '../world.ts'

const shop = { deployment: 'web', statefulSet: 'carts', daemonSet: 'agent', running: v1, follows: 'env-prod' } as const
const members: readonly [string, WorkloadKindName][] = [
  ['web', 'Deployment'],
  ['carts', 'StatefulSet'],
  ['agent', 'DaemonSet'],
]

/** Which workloads a rollout changes, and that they move as one. */
export function units(test: AddTest, bed: Bed): void {
  test('B20 all workloads of a ContainerVersion move together, and the rollout succeeds when the last one does', async (t) => {
    const world = await scenario(t, bed, shop)
    await world.ciMoves('env-prod', v2)
    for (const [name, kind] of members) await world.sees(name, v2, kind)
    await world.runs(v2)
    for (const [name] of members) {
      t.equal(await world.imagePatches(name), 1, name)
      t.match(await world.history(name), { Info: new RegExp(`Workload:${name} to version:2222222`) })
    }
    for (const [name, kind] of members)
      t.ok(await allPodsRun(world, name, world.imageOf(v2)), `${kind} ${name} has it in all pods`)
    t.match((await world.status()).rollouts, { length: 1 })
  })

  test('B21 if one workload fails, all are rolled back: no mixed versions remain', async (t) => {
    const world = await scenario(t, bed, { ...shop, spec: { timeoutSeconds: 6 } })
    // The StatefulSet alone cannot take the new version: nothing fits its pods any more.
    await world.changes('StatefulSet', 'carts', {
      spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'nowhere' } } } },
    })
    await world.ciMoves('env-prod', v2)
    for (const [name, kind] of members) await world.sees(name, v2, kind)
    for (const [name, kind] of members) await world.sees(name, v1, kind)
    await world.becomes('RolledBack')
    for (const [name] of members) t.equal(await world.imagePatches(name), 2, name)
  })

  for (const [name, kind] of [members[1], members[2]] as readonly [string, WorkloadKindName][]) {
    test(`B18 a ${kind} succeeds only when its pods are ready, and is rolled back if they never are`, async (t) => {
      const one = kind === 'StatefulSet' ? { statefulSet: name } : { daemonSet: name }
      const spec = { timeoutSeconds: 4 }
      const world = await scenario(t, bed, { ...one, running: v1, follows: 'env-prod', spec })
      await world.ciMoves('env-prod', hanging)
      await world.sees(name, hanging, kind)
      await world.sees(name, v1, kind)
      await world.becomes('RolledBack')
      const phases = bed.sightings.of('ContainerVersion', world.namespace, 'web-cv').map(({ status }) => status)
      t.notOk(
        phases.some(({ current }) => current?.digest === hanging.digest),
        'the status never named it as current',
      )
    })
  }

  test('a StatefulSet recovers from a version that cannot be pulled, and takes the next one', async (t) => {
    const world = await scenario(t, bed, { statefulSet: 'carts', running: v1, follows: 'env-prod' })
    await world.ciMoves('env-prod', broken)
    await world.sees('carts', broken, 'StatefulSet')
    await world.sees('carts', v1, 'StatefulSet')
    await world.becomes('RolledBack')
    t.ok(await allPodsRun(world, 'carts', world.imageOf(v1)), 'no broken pod is left behind')
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    t.ok(await allPodsRun(world, 'carts', world.imageOf(v2)))
  })

  test('B14 cvmanager does not patch what a Deployment owns, whatever labels it has', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves('env-prod', v1)
    const [web] = workloads(world, { deployment: 'web', running: v1, workload: { podSpec: {} } })
    const labelled = structuredClone(web) as unknown as Labelled
    labelled.spec.template.metadata.labels.cvapp = 'web'
    await world.makes(labelled as never, webCv(world, 'env-prod'))
    await world.runs(v1)
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    const patched = await bed.cluster.auditLog({
      user: operatorUser,
      verbs: ['patch', 'update'],
      namespace: world.namespace,
    })
    const workloadPatches = patched.filter(({ objectRef }) => objectRef?.apiGroup !== 'cvmanager.io')
    t.same(
      [...new Set(workloadPatches.map(({ objectRef }) => `${objectRef?.resource}/${objectRef?.name}`))],
      ['deployments/web'],
    )
    t.match((await world.status()).rollouts?.length, 1)
  })

  test('a rollback restores the image of a workload that came from another ContainerVersion by its label', async (t) => {
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
    const [moved] = workloads(world, { deployment: 'moved', running: v1, workload: { labels: { cvapp: 'other' } } })
    await world.ciMoves('env-other', v2)
    await world.makes(moved as never, webCv(world, 'env-other', { selector: { cvapp: 'other' } }, 'other-cv'))
    await world.runs(v2, 'other-cv')
    t.equal(await world.imagePatches('moved'), 1, 'cvmanager itself has written its image')

    await world.ciMoves('env-prod', broken)
    await world.sees('web', broken)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    await world.kubectl('label', 'deployment/moved', 'cvapp=web', '--overwrite')
    await world.pollsAgain(2)
    t.same(world.now('Deployment', 'moved')?.images, [world.imageOf(v2)], 'the version that failed is not tried on it')
    await world.ciMoves('env-prod', crashing)
    await world.sees('moved', crashing)
    await world.sees('moved', v2)
    await world.sees('web', crashing)
    await world.sees('web', v1)
    t.same(
      world.imagesOf('moved'),
      [v1, v2, crashing, v2].map((build) => world.imageOf(build)),
    )
    t.same(
      world.imagesOf('web'),
      [v1, broken, v1, crashing, v1].map((build) => world.imageOf(build)),
    )
  })

  test('a rollback restores an image that was set by hand, and the image starts no rollback itself', async (t) => {
    const world = await emptyWorld(t, bed)
    const containers = ['main', 'other'].map((name) => ({ name, image: world.imageOf(v1) }))
    await world.ciMoves('env-prod', v1)
    const made = workloads(world, { deployment: 'web', running: v1, workload: { podSpec: { containers } } })
    await world.makes(...made, webCv(world, 'env-prod'))
    await world.runs(v1)
    await world.ciMoves('env-prod', broken)
    await world.sees('web', broken)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    await world.ciBuilds(v3)
    // cvmanager remains the owner of the other container's image.
    await world.kubectl('set', 'image', 'deployment/web', `main=${world.imageOf(v3)}`)
    await world.sees('web', v3)
    await world.pollsAgain(2)
    t.same(
      world.now('Deployment', 'web')?.images,
      [v3, v1].map((build) => world.imageOf(build)),
    )
    await world.ciMoves('env-prod', crashing)
    await world.sees('web', crashing)
    await world.sees('web', v3)
    await world.becomes('RollingBack')
    await world.waitsFor('the rollback to end', () => !world.now('ContainerVersion', 'web-cv')?.status.rollout)
    t.same(
      world.imagesOf('web'),
      [v1, v1, broken, broken, v1, v1, v3, v1, crashing, crashing, v3, v1].map((build) => world.imageOf(build)),
    )
  })

  test('B51 a Deployment with zero replicas is rolled out at once', async (t) => {
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod', replicas: 0 })
    await world.ciMoves('env-prod', broken)
    await world.runs(broken)
    t.equal(await world.imagePatches('web'), 1)
  })
}

interface Labelled {
  readonly spec: { readonly template: { readonly metadata: { readonly labels: Record<string, string> } } }
}

async function allPodsRun(world: World, app: string, image: string): Promise<boolean> {
  const path = `/api/v1/namespaces/${world.namespace}/pods?labelSelector=app%3D${app}`
  const { items } = await world.bed.client.get<{ items: readonly RawPod[] }>(path)
  const live = items.filter(({ metadata }) => !metadata.deletionTimestamp)
  return live.length > 0 && live.every(({ spec }) => spec.containers.every((container) => container.image === image))
}

interface RawPod {
  readonly metadata: { readonly deletionTimestamp?: string }
  readonly spec: { readonly containers: readonly { readonly image: string }[] }
}
