import type { Bed } from '../bed.ts'
import { broken, hanging, v1, v2, v3 } from '../builds.ts'
import { isInForce, refusesImage } from '../policies.ts'
import { type AddTest, scenario, workloads } from '../scenario.ts'
import { readyReason, type World } from '../world.ts'

const config = { name: 'web-version', key: 'version' }
const web = { deployment: 'web', running: v1, follows: 'env-prod', spec: { config } } as const

/** The status says what runs and what a rollout waits for, whoever has set it. */
export function drift(test: AddTest, bed: Bed): void {
  test('a version that somebody sets while a failed one is held is what the status and spec.config say', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciBuilds(v2)
    await fails(world)
    await sets(world, 'web', v2)
    await world.waitsFor('the status to name it', () => current(world)?.version === v2.name)
    const status = await world.status()
    t.match(status, {
      phase: 'RolledBack',
      current: { digest: v2.digest, image: world.imageOf(v2) },
      successVersion: v2.name,
    })
    t.match(
      await world.kubectl('get', 'cv', 'web-cv', '--no-headers'),
      new RegExp(`web-cv +env-prod +${v2.name} +RolledBack`),
    )
    await world.waitsFor('the ConfigMap', async () => (await world.configMap('web-version')).version === v2.name)
    const told = await world.waitsForEvent('ContainerVersion/web-cv', 'DriftDetected')
    t.match(told, [
      {
        type: 'Warning',
        message:
          /^Deployment\/web was set to 2222222 by kubectl-set; it is left as it is, since bad1bad failed and was rolled back$/,
      },
    ])
    const writes = () => bed.sightings.of('ContainerVersion', world.namespace, 'web-cv').length
    const before = writes()
    await world.pollsAgain(2)
    t.equal(writes(), before, 'and nothing more is written')
    t.equal((await world.waitsForEvent('ContainerVersion/web-cv', 'DriftDetected')).length, 1)
    await sets(world, 'web', v1)
    await world.waitsFor('the status to name the other', () => current(world)?.version === v1.name)
    await world.waitsFor('the ConfigMap', async () => (await world.configMap('web-version')).version === v1.name)
  })

  test('an undo is told by who and why it is put back, and the rollout says what ran', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    await world.kubectl('rollout', 'undo', 'deployment/web')
    await world.sees('web', v1)
    await world.sees('web', v2)
    const told = await world.waitsForEvent('ContainerVersion/web-cv', 'DriftDetected')
    t.match(told, [
      {
        message:
          /^Deployment\/web was set to 1111111 by kubectl; 2222222 is put back, for the tag env-prod points there$/,
      },
    ])
    t.equal(told.length, 1)
    await world.waitsFor('the end', () => world.now('ContainerVersion', 'web-cv')?.status.phase === 'UpToDate')
    t.match((await world.status()).rollouts, [{ version: v2.name, from: v1.name, outcome: 'Succeeded' }, {}])
  })

  test('the version on offer that somebody sets by hand is no drift', async (t) => {
    const world = await scenario(t, bed, web)
    await world.kubectl('rollout', 'pause', 'deployment/web')
    await world.ciMoves('env-prod', v2)
    await world.becomes('Pending', { reason: 'WorkloadPaused' })
    await sets(world, 'web', v2)
    await world.runs(v2)
    await world.kubectl('rollout', 'resume', 'deployment/web')
    await world.pollsAgain(1)
    t.notOk((await world.events()).some(({ reason }) => reason === 'DriftDetected'))
  })

  test('workloads that run several versions are said to, and each change is told once', async (t) => {
    const world = await scenario(t, bed, web)
    await world.makes(...workloads(world, { deployment: 'api', running: v1 }))
    await world.ciBuilds(v2)
    await fails(world)
    await sets(world, 'web', v2)
    await world.waitsFor('both to be named', () => current(world)?.version === '1111111, 2222222')
    t.match((await world.status()).current?.containers, [{ version: '1111111' }, { version: '2222222' }])
    t.equal((await world.configMap('web-version')).version, v1.name, 'one of them, which it had')
    await sets(world, 'api', v2)
    await world.waitsFor('one to be named', () => current(world)?.version === '2222222')
    await world.waitsFor('the ConfigMap', async () => (await world.configMap('web-version')).version === v2.name)
    await world.waitsFor('two events', async () => {
      const events = await world.waitsForEvent('ContainerVersion/web-cv', 'DriftDetected')
      return events.length === 2
    })
    const names = (await world.waitsForEvent('ContainerVersion/web-cv', 'DriftDetected')).map(
      ({ message }) => message.split(' ')[0],
    )
    t.same(names.sort(), ['Deployment/api', 'Deployment/web'])
  })

  test('an image of another repository is named with it, or no version runs', async (t) => {
    const other = `other.example.com/shop/web:v9@${v3.digest}`
    const named = await scenario(t, bed, { ...web, spec: { container: { name: 'main' } } })
    await fails(named)
    await named.kubectl('set', 'image', 'deployment/web', `main=${other}`)
    await named.waitsFor('the image to be named', () => current(named)?.version === 'other.example.com/shop/web:v9')

    const unnamed = await scenario(t, bed, web)
    await unnamed.kubectl('set', 'image', 'deployment/web', `main=${other}`)
    await unnamed.becomes('Stalled', { reason: 'ContainerNotFound' })
    t.equal((await unnamed.status()).current, undefined)
    t.match(await unnamed.waitsForEvent('ContainerVersion/web-cv', 'DriftDetected'), [
      {
        message:
          /^Deployment\/web was set to other\.example\.com\/shop\/web:v9 by kubectl-set; it is left as it is, since/,
      },
    ])
  })

  test('a version that somebody sets during a rollout is told, and the rollout goes on', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciBuilds(v2)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.becomes('RollingOut')
    await sets(world, 'web', v2)
    await world.sees('web', hanging)
    const told = await world.waitsForEvent('ContainerVersion/web-cv', 'DriftDetected')
    t.match(told, [{ message: /^Deployment\/web was set to 2222222 by kubectl-set; bad3bad is put back, for the tag/ }])
    t.equal(told.length, 1)
    t.match(await world.status(), { phase: 'RollingOut', current: { version: v1.name } }, 'what ran before it')
  })

  test('a rollout says how far it is, and which container is not ready since when, for few writes', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 25 } })
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    const says =
      /^rolling out bad3bad: Deployment\/web: 1 of 2 pods updated, 0 ready: container main of pod web-\S+ runs since \S+Z, and is not ready\. It has until/
    await world.waitsFor('the progress', () => says.test(world.now('ContainerVersion', 'web-cv')?.status.message ?? ''))
    const described = await world.kubectl('describe', 'cv', 'web-cv')
    t.match(described, /Message: +rolling out bad3bad: Deployment\/web: 1 of 2 pods updated, 0 ready/)
    const before = bed.sightings.of('ContainerVersion', world.namespace, 'web-cv').length
    await world.becomes('RolledBack')
    const writes = bed.sightings.of('ContainerVersion', world.namespace, 'web-cv').length - before
    t.ok(writes <= 8, `${writes} writes`)
    t.match(
      (await world.status()).rollouts?.[0]?.message,
      /^still waiting at the deadline for .* runs since \S+Z, and is not ready/,
    )
  })

  test('a patch that a policy refuses stands in the status with the answer, while it is refused', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 60 } })
    await refusesImage(world, world.imageOf(v2))
    await isInForce(world, world.imageOf(v2), (stored) => stored.includes('is not allowed'))
    await world.ciMoves('env-prod', v2)
    const { status } = await world.becomes('RollingOut', { reason: 'PatchRefused' })
    t.match(
      status.message,
      /^rolling out 2222222: the API server refuses the change of Deployment\/web: .*is not allowed/,
    )
    t.equal(readyReason(status), 'PatchRefused')
    await bed.cluster.kubectl('delete', 'validatingadmissionpolicybinding', world.namespace)
    await world.runs(v2)
  })
}

const current = (world: World) => world.now('ContainerVersion', 'web-cv')?.status.current

/** A version fails, and is rolled back to the one before. */
async function fails(world: World): Promise<void> {
  await world.ciMoves('env-prod', broken)
  await world.sees('web', broken)
  await world.sees('web', v1)
  await world.becomes('RolledBack')
}

const sets = (world: World, name: string, build: typeof v1) =>
  world.kubectl('set', 'image', `deployment/${name}`, `main=${world.imageOf(build)}`)
