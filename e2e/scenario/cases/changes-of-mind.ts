import type { Bed } from '../bed.ts'
import { broken, hanging, v1, v2 } from '../builds.ts'
import { type AddTest, scenario } from '../scenario.ts'
import type { World } from '../world.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

/** Somebody changes the target during a rollout. */
export function changesOfMind(test: AddTest, bed: Bed): void {
  test('a newer version replaces the rollout of an older one', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.ciMoves('env-prod', v2)
    await world.sees('web', v2)
    await world.runs(v2)
    t.same(
      world.imagesOf('web'),
      [v1, hanging, v2].map((build) => world.imageOf(build)),
      'without going back in between',
    )
    t.match((await world.status()).rollouts, [
      { version: '2222222', from: '1111111', outcome: 'Succeeded' },
      { version: 'bad3bad', from: '1111111', outcome: 'Superseded', message: 'replaced by 2222222' },
    ])
    const reasons = (await world.eventsAbout('Deployment/web')).map(({ reason }) => reason)
    t.same(reasons.sort(), ['RolloutStarted', 'RolloutStarted', 'RolloutSucceeded', 'RolloutSuperseded'])
  })

  test('B17 if the newer version fails too, a rollback restores what ran before both', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.ciMoves('env-prod', broken)
    await world.sees('web', broken)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    t.same(
      world.imagesOf('web'),
      [v1, hanging, broken, v1].map((build) => world.imageOf(build)),
    )
  })

  test('deleting the ContainerVersion during a rollout restores the images, and then the object goes', async (t) => {
    const world = await scenario(t, bed, web)
    t.same(await finalizers(world), [], 'no finalizer outside of a rollout')
    await world.ciMoves('env-prod', hanging)
    await world.becomes('RollingOut')
    t.same(await finalizers(world), ['cvmanager.io/rollout'])
    await world.delete('ContainerVersion', 'web-cv')
    await world.sees('web', v1)
    await world.waitsFor('the ContainerVersion to be gone', () => !world.now('ContainerVersion', 'web-cv'))
    t.match(await world.history('web'), {
      'rollouts.json': /"outcome":"Aborted".*"message":"the ContainerVersion was del/,
    })
  })

  test('deleting it right after the image patch restores the images too', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.delete('ContainerVersion', 'web-cv')
    await world.sees('web', v1)
    await world.waitsFor('the ContainerVersion to be gone', () => !world.now('ContainerVersion', 'web-cv'))
  })

  test('a namespace can be deleted within 30 s during a rollout', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await bed.cluster.kubectl('delete', 'namespace', world.namespace, '--timeout=30s')
    t.notOk(world.now('ContainerVersion', 'web-cv'))
  })
}

async function finalizers(world: World): Promise<readonly string[]> {
  const { metadata } = await world.get<{ metadata: { finalizers?: readonly string[] } }>('ContainerVersion', 'web-cv')
  return metadata.finalizers ?? []
}
