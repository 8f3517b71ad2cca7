import { type Bed, operatorUser } from '../bed.ts'
import { applies, ends, older, oldest, opened, podOf, type Raw, v2, v3 } from '../kind-examples.ts'
import type { AddTest } from '../scenario.ts'
import type { World } from '../world.ts'

/** What Pods, Jobs and CronJobs do that no other kind does. */
export function singleKinds(test: AddTest, bed: Bed): void {
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
    await world.waitsForEvent('ContainerVersion/web', 'WorkloadImmutable')
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
}

const holds = (world: World) => (world.now('ContainerVersion', 'web')?.status.held ?? []).map(({ by }) => by)
const nextOf = (world: World) => world.now('ContainerVersion', 'web')?.status.next?.version
