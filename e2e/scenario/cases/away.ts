import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startRegistry } from '../../harness/registry.ts'
import type { Bed } from '../bed.ts'
import { hanging, v1, v2 } from '../builds.ts'
import { scenario } from '../scenario.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

export async function away(t: Test, bed: Bed): Promise<void> {
  const other = await startRegistry()
  t.teardown(() => other.stop())
  const operator = await bed.operator({ registries: [bed.registry, other] })
  await operator.isAtWork()

  await t.test(
    'R3 the API server goes away during a rollout: cvmanager does not exit, and continues afterwards',
    async (t) => {
      const world = await scenario(t, bed, web)
      await world.ciMoves('env-prod', hanging)
      await world.sees('web', hanging)
      await bed.cluster.stopApiServer()
      await world.ciMoves('env-prod', v2)
      await sleep(3_000)
      t.ok(operator.program.running)
      await bed.cluster.startApiServer()
      const back = Date.now()
      await world.sees('web', v2)
      await world.runs(v2)
      t.ok(Date.now() - back < 30_000, `converged ${Date.now() - back} ms after it was back`)
      t.match((await world.status()).rollouts, [{ outcome: 'Succeeded' }, { outcome: 'Superseded' }])
      t.ok(operator.program.running)
    },
  )

  await t.test(
    'a registry goes away and comes back: the workloads stay, and cvmanager finds the next move of the tag',
    async (t) => {
      const world = await scenario(t, bed, { ...web, registry: other })
      await other.goAway()
      await world.becomes('Unavailable', { reason: 'RegistryUnavailable' })
      t.match((await world.status()).message, /the registry 127\.0\.0\.1:\d+ cannot be reached for tag env-prod/)
      await other.comeBack()
      await world.ciMoves('env-prod', v2)
      await world.runs(v2)
      t.equal(await world.imagePatches('web'), 1)
    },
  )

  await t.test('B19 success waits until the workload’s controller has seen the change', async (t) => {
    const world = await scenario(t, bed, web)
    const controllers = bed.cluster.processes.find(({ name }) => name === 'kube-controller-manager')
    controllers?.signal('SIGSTOP')
    t.teardown(() => controllers?.signal('SIGCONT'))
    await world.ciMoves('env-prod', v2)
    await world.sees('web', v2)
    await sleep(2_500)
    t.match(
      await world.status(),
      { phase: 'RollingOut', current: { version: '1111111' } },
      'all pods are ready, but old',
    )
    controllers?.signal('SIGCONT')
    await world.runs(v2)
  })

  await t.test('B23 it stops within 3 s of SIGTERM, even during a rollout and a request to a registry', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    t.teardown(bed.registry.faults.inject('hang', { when: ({ path }) => path.includes(world.path) }))
    await world.pollsAgain(1)
    t.ok((await operator.stop('SIGTERM')) < 3_000)
    t.equal(operator.program.outcome, 'ended with status 0')
  })
}
