import { setTimeout as sleep } from 'node:timers/promises'
import { shortDigest } from '../../../operator/images/digest.ts'
import type { HistoryRecord } from '../../../operator/rollouts/history/records.ts'
import type { Bed } from '../bed.ts'
import { broken, crashing, hanging, v1, v2 } from '../builds.ts'
import { isInForce, refusesImage, rewritesImages } from '../policies.ts'
import { type AddTest, scenario, workloads } from '../scenario.ts'
import { readyReason, type World } from '../world.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

/** What keeps a version from being tried, and what is not healthy before: neither is a failure of the version. */
export function obstacles(test: AddTest, bed: Bed): void {
  test('an image that a policy rewrites is told at once, put back, and tried again when the spec changes', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 60 } })
    const pinned = 'mirror.example.com/shop/web:pinned'
    await rewritesImages(world, `image.contains("${v2.name}") ? "${pinned}" : image`)
    await isInForce(world, world.imageOf(v2), (stored) => stored.includes(pinned))
    await world.ciMoves('env-prod', v2)
    await world.becomes('Stalled', { reason: 'ImageRewritten' })
    t.equal(await world.imagePatches('web'), 2, 'one patch there, one back')
    t.same(world.imagesOf('web'), [world.imageOf(v1), pinned, world.imageOf(v1)])
    const [event] = await world.waitsForEvent('Deployment/web', 'ImageRewritten')
    t.equal(event?.type, 'Warning')
    t.match(event?.message, /kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies/)
    const images = shortDigest(`container main of Deployment/web got ${pinned} instead of ${world.imageOf(v2)}`)
    t.ok(event?.message.includes(images))
    await isAborted(t, world, 'ImageRewritten')
    await world.pollsAgain(1)
    t.equal(await world.imagePatches('web'), 2, 'not tried again at once')

    await bed.cluster.kubectl('delete', 'mutatingadmissionpolicybinding', world.namespace)
    await isInForce(world, world.imageOf(v2), (stored) => !stored.includes(pinned))
    await world.changes('ContainerVersion', 'web-cv', { spec: { timeoutSeconds: 61 } })
    await world.runs(v2)
  })

  test('a policy that points every image to a mirror: one patch, and the message names the mirror', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 10, container: { name: 'main' } } })
    const [host] = world.repository.split('/')
    await rewritesImages(world, `image.replace("${host}", "mirror.example.com")`)
    await isInForce(world, world.imageOf(v2), (stored) => stored.includes('mirror.example.com'))
    await world.ciMoves('env-prod', v2)
    await world.becomes('Stalled', { reason: 'ImageRewritten' })
    const status = await world.status()
    t.match(status.message, new RegExp(`set spec.imageRepo to mirror.example.com/${world.path} if that is your mirror`))
    t.equal(await world.imagePatches('web'), 2, 'one patch there, one back')
    await isAborted(t, world, 'ImageRewritten')
  })

  test('a deletion whose patch back is refused ends by the deadline and 10 s, and tells what it leaves', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 4 } })
    await refusesImage(world, world.imageOf(v1))
    await isInForce(world, world.imageOf(v1), (stored) => stored.includes('is not allowed'))
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.delete('ContainerVersion', 'web-cv')
    await world.waitsFor('the ContainerVersion to be gone', () => !world.now('ContainerVersion', 'web-cv'))
    const history = await world.history('web')
    const [record] = JSON.parse(history['rollouts.json']) as readonly HistoryRecord[]
    t.ok((record?.durationSeconds ?? 99) <= 14, `ended after ${record?.durationSeconds} s`)
    t.match(history, {
      'rollouts.json':
        /"outcome":"Aborted","message":"the ContainerVersion was deleted; Deployment\/web could not be put back, since the API server refuses the change of Deployment\/web: .*is not allowed"/,
    })
    const about = 'ContainerVersion/web-cv'
    t.match(await world.waitsForEvent(about, 'RolloutAborted'), [{ message: /could not be put back/ }])
    t.match(await world.waitsForEvent(about, 'PatchRefused'), [{ message: /is not allowed/ }])
  })

  test('a version whose patch a policy refuses is not quarantined, and goes out once the policy allows it', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 8 } })
    await refusesImage(world, world.imageOf(v2))
    await isInForce(world, world.imageOf(v2), (stored) => stored.includes('is not allowed'))
    await world.ciMoves('env-prod', v2)
    const { status } = await world.becomes('Stalled', { reason: 'PatchRefused' })
    await isAborted(t, world, 'PatchRefused')
    const [rollout] = status.rollouts ?? []
    t.ok(Date.parse(rollout?.endTime ?? '') - Date.parse(rollout?.startTime ?? '') <= 18_000)
    await bed.cluster.kubectl('delete', 'validatingadmissionpolicybinding', world.namespace)
    await isTriedAgain(world)
  })

  test('B36 a Deployment that is deleted in the middle and created again goes on with the new one', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.delete('Deployment', 'web')
    await world.becomes('RollingOut', { reason: 'WorkloadNotFound' })
    const old = world.now('Deployment', 'web')?.uid
    await world.makes(...workloads(world, { deployment: 'web', running: v1 }))
    await world.waitsFor('the new one to get the version', () => {
      const now = world.now('Deployment', 'web')
      return now?.uid !== old && now?.images[0] === world.imageOf(hanging)
    })
    const status = await world.status()
    t.match(status, { phase: 'RollingOut', rollout: { version: hanging.name }, quarantined: undefined })
    t.notOk(status.rollouts, 'and the same rollout')
    t.match(status.rollout?.workloads, [{ uid: world.now('Deployment', 'web')?.uid }])
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
  })

  test('a Deployment that is gone until the deadline ends the rollout without quarantine', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 4 } })
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.delete('Deployment', 'web')
    await world.becomes('Stalled', { reason: 'WorkloadNotFound' })
    await isAborted(t, world, 'WorkloadNotFound', 'nothing')
  })

  test('a paused Deployment holds the version back, and the rollout begins by itself after the resume', async (t) => {
    const world = await scenario(t, bed, web)
    await world.kubectl('rollout', 'pause', 'deployment/web')
    await world.ciMoves('env-prod', v2)
    await world.becomes('Pending', { reason: 'WorkloadPaused' })
    await sleep(3_000)
    const status = await world.status()
    t.match(status, { phase: 'Pending', next: { version: v2.name, heldBy: 'WorkloadPaused' }, rollouts: undefined })
    t.match(status.message, new RegExp(`kubectl rollout resume deployment/web -n ${world.namespace}`))
    t.equal(await world.imagePatches('web'), 0)
    await world.kubectl('rollout', 'resume', 'deployment/web')
    await world.runs(v2)
  })

  test('a pause in the middle stops the clock of the rollout, for two status writes', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 6 } })
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.kubectl('rollout', 'pause', 'deployment/web')
    const { status } = await world.becomes('RollingOut', { reason: 'WorkloadPaused' })
    const deadline = Date.parse(status.rollout?.deadline ?? '')
    const writes = () => bed.sightings.of('ContainerVersion', world.namespace, 'web-cv').length
    const before = writes()
    await sleep(9_000)
    t.equal(writes(), before, 'no write while it is paused')
    await world.kubectl('rollout', 'resume', 'deployment/web')
    const resumed = await world.becomes('RollingOut', { reason: 'RollingOut' })
    t.ok(Date.parse(resumed.status.rollout?.deadline ?? '') - deadline >= 9_000, 'the deadline has moved')
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    t.match((await world.status()).quarantined, [{ version: hanging.name, message: /at the deadline/ }], 'it did fail')
  })

  for (const kind of ['StatefulSet', 'DaemonSet'] as const) {
    test(`a ${kind} with OnDelete waits for hands without a deadline`, async (t) => {
      const world = await scenario(t, bed, {
        ...(kind === 'StatefulSet' ? { statefulSet: 'web' } : { daemonSet: 'web' }),
        running: v1,
        follows: 'env-prod',
        spec: { timeoutSeconds: 8 },
        workload: { spec: { updateStrategy: { type: 'OnDelete' } } },
      })
      await world.waitsFor('its pods to be ready', () => (world.now(kind, 'web')?.ready ?? 0) > 0)
      await world.ciMoves('env-prod', v2)
      await world.sees('web', v2, kind)
      await world.becomes('RollingOut', { reason: 'PodsToDelete' })
      await sleep(10_000)
      const { phase, message } = await world.status()
      t.equal(phase, 'RollingOut')
      t.match(message, new RegExp(`waits without a deadline for ${kind}/web: .*delete the pods`))
      await world.kubectl('delete', 'pods', '-l', 'app=web')
      await world.runs(v2)
      t.equal(await world.imagePatches('web'), 1)
    })
  }

  test('pods that a quota refuses: the condition is quoted, nothing is quarantined, and it is tried again', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 10 } })
    await world.waitsFor('its pods to be ready', () => world.now('Deployment', 'web')?.ready === 2)
    const quota = (pods: number) => ({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'pods', namespace: world.namespace },
      spec: { hard: { pods: `${pods}` } },
    })
    await bed.cluster.apply(quota(2))
    await world.ciMoves('env-prod', v2)
    await world.sees('web', v2)
    await world.sees('web', v1)
    await world.becomes('Stalled', { reason: 'PodsRefused' })
    t.match((await world.status()).message, /exceeded quota: pods/)
    await isAborted(t, world, 'PodsRefused')
    await bed.cluster.apply(quota(10))
    await isTriedAgain(world)
  })

  test('a rollback goes back to what last ran well, not to a broken image that was set by hand', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 4 } })
    await setBrokenByHand(world)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.sees('web', v1)
    await world.waitsFor('the rollback to end', () => !world.now('ContainerVersion', 'web-cv')?.status.rollout)
    t.match(await world.status(), { current: { digest: v1.digest }, quarantined: [{ version: hanging.name }] })
    t.same(
      world.imagesOf('web'),
      [v1, crashing, v1, broken, hanging, v1].map((build) => world.imageOf(build)),
    )
  })

  test('a good version goes out over a broken image that was set by hand and has timed out', async (t) => {
    const world = await scenario(t, bed, { ...web, workload: { spec: { progressDeadlineSeconds: 8 } } })
    await setBrokenByHand(world)
    await world.kubectl('wait', '--for=condition=Progressing=false', 'deployment/web', '--timeout=30s')
    await world.ciMoves('env-prod', v2)
    await world.sees('web', v2)
    await world.runs(v2)
    t.match(await world.history('web'), {
      'rollouts.json': new RegExp(`"previousImages":{"main":"${world.imageOf(v1)}"}`),
    })
  })
}

/** The version on offer has failed, so that cvmanager leaves the image alone that a person sets. */
async function setBrokenByHand(world: World): Promise<void> {
  await world.ciMoves('env-prod', crashing)
  await world.sees('web', crashing)
  await world.sees('web', v1)
  await world.becomes('RolledBack')
  await world.ciBuilds(broken)
  await world.kubectl('set', 'image', 'deployment/web', `main=${world.imageOf(broken)}`)
  await world.sees('web', broken)
}

/** On a busy machine the second attempt may come too early, and the third a minute later. */
async function isTriedAgain(world: World): Promise<void> {
  const running = () => world.now('ContainerVersion', 'web-cv')?.status.current?.digest
  await world.waitsFor('the version to run', () => running() === v2.digest, 120_000)
}

async function isAborted(
  t: { match: Tester; equal: Tester },
  world: World,
  reason: string,
  runs: string = v1.digest,
): Promise<void> {
  const status = await world.status()
  t.equal(status.current?.digest ?? 'nothing', runs)
  t.match(status, {
    rollouts: [{ outcome: 'Aborted', reason }],
    quarantined: undefined,
  })
  t.equal(readyReason(status), reason)
}

type Tester = (found: unknown, wanted: unknown) => unknown
