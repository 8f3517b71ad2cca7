import type { Bed } from '../bed.ts'
import { broken, hanging, v1, v2 } from '../builds.ts'
import { type AddTest, scenario } from '../scenario.ts'
import type { World } from '../world.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

/** Somebody wants something else while a rollout is under way. */
export function changesOfMind(test: AddTest, bed: Bed): void {
  test('a newer version replaces the rollout of an older one, and a rollback would go back to what was before both', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.ciMoves('env-prod', v2)
    await world.sees('web', v2)
    await world.runs(v2)
    t.same(
      world.imagesOf('web'),
      [v1, hanging, v2].map((build) => world.imageOf(build)),
      'it never went back in between',
    )
    t.match((await world.status()).rollouts, [
      { version: '2222222', from: '1111111', outcome: 'Succeeded' },
      { version: 'bad3bad', from: '1111111', outcome: 'Superseded', message: 'replaced by 2222222' },
    ])
    const reasons = (await world.eventsAbout('Deployment/web')).map(({ reason }) => reason)
    t.same(reasons.sort(), ['RolloutStarted', 'RolloutStarted', 'RolloutSucceeded', 'RolloutSuperseded'])
  })

  test('B17 where the newer version fails too, what ran before both comes back', async (t) => {
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

  test('deleting the ContainerVersion during a rollout puts the images back and then lets it go', async (t) => {
    const world = await scenario(t, bed, web)
    t.same(await finalizers(world), [], 'nothing holds it while nothing is under way')
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

  test('deleting it in the moment in which a rollout begins puts the images back, too', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.delete('ContainerVersion', 'web-cv')
    await world.sees('web', v1)
    await world.waitsFor('the ContainerVersion to be gone', () => !world.now('ContainerVersion', 'web-cv'))
  })

  test('a namespace with a rollout under way is deleted within 30 s', async (t) => {
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
