import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { hanging, v1, v2 } from '../builds.ts'
import { inWords, type Operator } from '../operator.ts'
import { scenario } from '../scenario.ts'
import type { World } from '../world.ts'

/** R6 Two replicas, one of which leads. */
export async function replicas(t: Test, bed: Bed): Promise<void> {
  const first = await bed.operator({ name: 'first' })
  await first.isAtWork()
  const second = await bed.operator({ name: 'second' })
  const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })

  await t.test(
    'R6 the leader is killed during a rollout: the other takes over within 20 s, and continues the rollout',
    async (t) => {
      await world.ciMoves('env-prod', hanging)
      await world.sees('web', hanging)
      await world.waitsForEvent('ContainerVersion/web-cv', 'RolloutStarted')
      t.notOk(await second.leads())
      const { identity } = JSON.parse(await first.about('this process is the leader now'))
      t.match(JSON.parse(await second.about('stands by')), {
        level: 'info',
        msg: `this process stands by: ${identity} is the leader`,
        lease: 'cvmanager/cvmanager',
        holder: identity,
      })
      const killed = Date.now()
      await first.stop('SIGKILL')
      await takesOver(world, second)
      t.ok(Date.now() - killed <= 20_000, `taken over after ${Date.now() - killed} ms`)
      await world.ciMoves('env-prod', v2)
      await world.sees('web', v2)
      await world.runs(v2)
      t.match((await world.status()).rollouts, [
        { outcome: 'Succeeded' },
        { version: 'bad3bad', outcome: 'Superseded' },
      ])
      await world.waitsForEvent('ContainerVersion/web-cv', 'RolloutSucceeded')
      const story = async () => (await second.story(world.namespace)).map(inWords)
      await world.waitsFor('the end of the story', async () => (await story()).at(-1)?.includes('Succeeded') ?? false)
      t.same(
        await story(),
        [
          'RolloutSuperseded 1111111 -> bad3bad',
          'RolloutStarted 1111111 -> 2222222',
          'RolloutSucceeded 1111111 -> 2222222',
        ].map((line) => `info ${line}`),
        'what the first has written is no second line',
      )
    },
  )

  await t.test('R6 the leader receives SIGTERM: the other takes over within 3 s', async (t) => {
    const third = await bed.operator({ name: 'third' })
    await third.stands()
    const asked = Date.now()
    await Promise.all([second.stop('SIGTERM'), takesOver(world, third)])
    t.ok(Date.now() - asked <= 3_000, `taken over after ${Date.now() - asked} ms`)
    t.match(await second.about('no longer the leader'), '"msg":"this process is no longer the leader: it is stopping"')
    await third.stop('SIGTERM')
  })

  await t.test('R6 a leader that loses the Lease before its first lists are complete stands by again', async (t) => {
    const { cluster } = bed
    const account = '--serviceaccount=cvmanager:reads-nothing'
    const kubeconfig = await cluster.serviceAccountKubeconfig('cvmanager', 'reads-nothing')
    await cluster.kubectl('create', 'role', 'leases', '-n', 'cvmanager', '--verb=*', '--resource=leases')
    await cluster.kubectl('create', 'rolebinding', 'leases', '-n', 'cvmanager', '--role=leases', account)
    const started = await bed.operator({ name: 'unready', kubeconfig, flags: ['--lease-name', 'unready'] })
    await takesOver(world, started)
    const holder = JSON.stringify({ spec: { holderIdentity: 'another' } })
    await cluster.kubectl('patch', 'lease', 'unready', '-n', 'cvmanager', '--type=merge', '-p', holder)
    await world.waitsFor('it to stand by', async () => {
      await started.program.assertRunning()
      return (await started.about('stands by: another is the leader')) !== ''
    })
    t.match(await started.about('no longer the leader'), 'another holds the Lease now')
    t.ok((await started.stop('SIGTERM')) < 3_000)
    t.equal(started.program.outcome, 'ended with status 0')
  })
}

async function takesOver(world: World, operator: Operator): Promise<void> {
  await world.waitsFor(`${operator.program.name} to lead`, () => operator.leads())
}
