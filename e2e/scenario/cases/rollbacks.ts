import type { Bed } from '../bed.ts'
import { broken, crashing, hanging, v1, v2, v3 } from '../builds.ts'
import { type AddTest, emptyWorld, scenario, webCv, workloads } from '../scenario.ts'
import { readyReason } from '../world.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

/** A version fails: a rollback restores the exact previous image, and cvmanager does not try the version again. */
export function rollbacks(test: AddTest, bed: Bed): void {
  test('a version that cannot be pulled is rolled back to the exact image and not tried again', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', broken)
    await world.sees('web', broken)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    await world.pollsAgain(3)
    t.equal(await world.imagePatches('web'), 2, 'one patch there, one back')
    const status = await world.status()
    t.match(status, {
      quarantined: [{ digest: broken.digest, version: 'bad1bad', outcome: 'RolledBack', message: /ImagePullBackOff/ }],
      current: { digest: v1.digest },
      next: { digest: broken.digest, heldBy: 'Quarantine' },
      message:
        /^bad1bad failed and was rolled back: .*It is not tried again until the tag env-prod moves on or the spec/,
    })
    const events = await world.eventsAbout('Deployment/web')
    t.same(
      events.map(({ type, reason }) => `${type} ${reason}`),
      ['Normal RolloutStarted', 'Warning RolloutFailed', 'Warning RolledBack'],
      'one event for each step',
    )

    await world.ciMoves('env-prod', v2)
    await world.sees('web', v2)
    await world.runs(v2)
    t.notOk((await world.status()).quarantined, 'the quarantine ends when the tag moves on')
    t.equal(await world.imagePatches('web'), 3)
  })

  test('a change of the spec releases a failed version from quarantine', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 60 } })
    await world.ciMoves('env-prod', broken)
    await world.sees('web', broken)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    await world.changes('ContainerVersion', 'web-cv', { spec: { timeoutSeconds: 61 } })
    await world.becomes('RollingOut')
    await world.sees('web', broken)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    t.equal(await world.imagePatches('web'), 4)
  })

  test('a version that crashes again and again is rolled back', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', crashing)
    await world.sees('web', crashing)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    t.match(
      (await world.status()).message,
      /container main of pod web-\S+ exits with 1 \(CrashLoopBackOff after 3 restarts\)/,
    )
  })

  test('R11 a version that never becomes ready is rolled back by its deadline', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { timeoutSeconds: 3 } })
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.sees('web', v1)
    await world.becomes('RolledBack')
    const [rollout] = (await world.status()).rollouts ?? []
    t.match(rollout, { outcome: 'RolledBack', message: /^still waiting at the deadline for Deployment\/web: / })
    const took = Date.parse(rollout?.endTime ?? '') - Date.parse(rollout?.startTime ?? '')
    t.ok(took >= 3_000 && took <= 13_000, `ended by the deadline and 10 s, after ${took} ms`)
  })

  test('with rollback.enabled false a failed version stays, and the status says that it failed', async (t) => {
    const world = await scenario(t, bed, { ...web, spec: { rollback: { enabled: false } } })
    await world.ciMoves('env-prod', broken)
    await world.sees('web', broken)
    await world.becomes('Failed')
    await world.pollsAgain(1)
    t.equal(await world.imagePatches('web'), 1)
    t.same(world.now('Deployment', 'web')?.images, [world.imageOf(broken)])
    const status = await world.status()
    t.equal(readyReason(status), 'RolloutFailed')
    t.match(status, { message: /^bad1bad failed and was left in place/, quarantined: [{ outcome: 'Failed' }] })

    await world.ciMoves('env-prod', v3)
    await world.sees('web', v3)
    await world.runs(v3)
  })

  test('B51 the first rollout of all rolls back to the exact first image, never to `repo:`', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves('env-prod', broken)
    const first = `${world.repository}:some-handmade.tag`
    await world.makes(...workloads(world, { ...web, workload: { image: first } }), webCv(world, 'env-prod'))
    await world.sees('web', broken)
    await world.sees('web', first)
    await world.becomes('RolledBack')
    t.same(world.imagesOf('web'), [first, world.imageOf(broken), first])
    t.match(await world.history('web'), { 'rollouts.json': new RegExp(`"previousImages":{"main":"${first}"}`) })
  })
}
