import type { Bed } from '../bed.ts'
import { type Build, build } from '../builds.ts'
import type { WorkloadKindName } from '../manifests.ts'
import { type AddTest, emptyWorld } from '../scenario.ts'
import type { World } from '../world.ts'

const [v1, v2, v3] = ['v1.0.0', 'v1.1.0', 'v1.2.0'].map((name) => build(name)) as [Build, Build, Build]

const inOrder: readonly [string, WorkloadKindName][] = [
  ['store', 'StatefulSet'],
  ['api', 'Deployment'],
  ['pages', 'Deployment'],
]

async function example(...[t, bed]: Parameters<typeof emptyWorld>): Promise<World> {
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', v1)
  await world.appliesExample('one-unit/shop.yaml')
  await world.runs(v1, 'shop')
  return world
}

/** examples/one-unit: workloads that move as one, in an order. */
export function order(test: AddTest, bed: Bed): void {
  test('workloads change in the order of their annotation, each healthy before the next', async (t) => {
    const world = await example(t, bed)
    await world.ciMoves('env-prod', v2)
    await world.sees('api', v2)
    t.match(world.now('StatefulSet', 'store'), { images: [world.imageOf(v2)], ready: 1 })
    await world.sees('pages', v2)
    t.match(world.now('Deployment', 'api'), { images: [world.imageOf(v2)], ready: 2 })
    await world.runs(v2, 'shop')
    // The first pins the tag of the manifest to its digest.
    for (const [name] of inOrder) t.equal(await world.imagePatches(name), 2, name)
    const steps = bed.sightings
      .of('ContainerVersion', world.namespace, 'shop')
      .flatMap(({ status }) => (status.rollout?.step ? [status.rollout.step.name] : []))
    t.same([...new Set(steps)], ['StatefulSet/store', 'Deployment/api', 'Deployment/pages'])
  })

  test('a version that fails in the middle goes back where it is, and never reaches the others', async (t) => {
    const world = await example(t, bed)
    await world.kubectl('patch', 'containerversion', 'shop', '--type=merge', '-p', '{"spec":{"timeoutSeconds":6}}')
    await world.kubectl('patch', 'deployment', 'api', '--type=merge', '-p', unschedulable)
    await world.ciMoves('env-prod', v2)
    await world.sees('store', v2, 'StatefulSet')
    await world.sees('api', v2)
    await world.becomes('RolledBack', { of: 'shop' })
    for (const [name, kind] of inOrder) t.same(world.now(kind, name)?.images, [world.imageOf(v1)], name)
    t.notOk(world.imagesOf('pages').includes(world.imageOf(v2)))
  })

  test('a version that arrives in the middle waits for the end of the rollout, and the status says so', async (t) => {
    const world = await example(t, bed)
    await world.kubectl('patch', 'deployment', 'api', '--type=merge', '-p', unschedulable)
    await world.ciMoves('env-prod', v2)
    await world.sees('api', v2)
    await world.ciMoves('env-prod', v3)
    await world.waitsFor('the newer version to be held', () => {
      const [held] = world.now('ContainerVersion', 'shop')?.status.held ?? []
      return held?.by === 'Rollout' && held.message.startsWith('v1.2.0 waits until the rollout of v1.1.0 has ended')
    })
    await world.kubectl('patch', 'deployment', 'api', '--type=json', '-p', schedulable)
    await world.runs(v3, 'shop')
    t.same(
      world.imagesOf('pages').slice(1),
      [v1, v2, v3].map((each) => world.imageOf(each)),
    )
    const { rollouts } = await world.status('shop')
    t.match(rollouts, [{ outcome: 'Succeeded' }, { outcome: 'Succeeded' }])
  })
}

const nowhere = { spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'nowhere' } } } } }
const unschedulable = JSON.stringify(nowhere)
const schedulable = JSON.stringify([{ op: 'remove', path: '/spec/template/spec/nodeSelector' }])
