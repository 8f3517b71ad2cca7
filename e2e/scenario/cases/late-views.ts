import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { HistoryRecord } from '../../../operator/rollouts/history/records.ts'
import { startRegistry } from '../../harness/registry.ts'
import type { Bed } from '../bed.ts'
import { hanging, v1, v2 } from '../builds.ts'
import type { World } from '../world.ts'
import { settled } from './interruptions.ts'

/** Longer than cvmanager distrusts an older list. */
const longLagMs = 10_000

/** cvmanager sees the API server's objects late, or older than it has seen them before. */
export function lateViews(t: Test, bed: Bed): readonly Promise<unknown>[] {
  const late = t.test(
    'R2 watches are ten seconds late and the workload scales: few writes are refused, and the version goes out',
    { buffered: true },
    async (t) => {
      const { world, proxy } = await settled(t, bed)
      proxy.watchesLateMs = 10_000
      let replicas = 1
      const scaling = setInterval(() => {
        replicas = (replicas % 4) + 1
        void world.changes('Deployment', 'web', { spec: { replicas } }).catch(() => undefined)
      }, 200)
      t.teardown(() => clearInterval(scaling))
      await sleep(1_000)
      await world.ciMoves('env-prod', v2)
      const moved = Date.now()
      await world.sees('web', v2)
      t.ok(Date.now() - moved < 15_000, `patched ${Date.now() - moved} ms after the tag moved, a poll and a lag later`)
      await sleep(4_000)
      clearInterval(scaling)
      t.ok(proxy.conflicts.length <= 3, `refused: ${proxy.conflicts.join(', ') || 'none'}`)
      await world.runs(v2)
    },
  )

  const older = [
    { what: 'workloads', resource: /\/deployments$/ },
    { what: 'ContainerVersions', resource: /\/containerversions$/ },
  ].map(({ what, resource }) =>
    t.test(
      `R2 a list of the ${what} that is older than what was seen gives no version a second rollout or record`,
      { buffered: true },
      async (t) => {
        const { world, proxy } = await settled(t, bed)
        const group = what === 'workloads' ? 'apps/v1' : 'cvmanager.io/v1'
        const path = `/apis/${group}/namespaces/${world.namespace}`
        const list = await proxy.remember(`${path}${what === 'workloads' ? '/deployments' : '/containerversions'}`)
        await world.ciMoves('env-prod', v2)
        await world.runs(v2)
        await world.waitsFor(
          'the finalizer to go',
          () => world.now('ContainerVersion', 'web-cv')?.finalizers.length === 0,
        )
        const catchUp = proxy.goesBack(resource, list)
        await sleep(longLagMs)
        catchUp()
        await world.pollsAgain(2)
        await isRolledOutOnce(t, world)
      },
    ),
  )

  const restarted = t.test(
    'R2 cvmanager starts with a list from the middle of an earlier rollout, and does not go on with that one',
    { buffered: true },
    async (t) => {
      const registry = await startRegistry()
      t.teardown(() => registry.stop())
      const { world, proxy, operator, start } = await settled(t, bed, { registry })
      await world.ciMoves('env-prod', hanging)
      await world.sees('web', hanging)
      const list = await proxy.remember(`/apis/cvmanager.io/v1/namespaces/${world.namespace}/containerversions`)
      await world.ciMoves('env-prod', v2)
      await world.runs(v2)
      await operator.stop('SIGKILL')
      await registry.goAway()
      const catchUp = proxy.goesBack(/\/containerversions$/, list)
      await start()
      await sleep(6_000)
      catchUp()
      await registry.comeBack()
      await world.pollsAgain(1)
      t.same(
        world.imagesOf('web'),
        [v1, hanging, v2].map((build) => world.imageOf(build)),
      )
    },
  )
  return [late, ...older, restarted]
}

async function isRolledOutOnce(t: Test, world: World): Promise<void> {
  t.match(await world.status(), { phase: 'UpToDate', rollouts: [{ version: v2.name, outcome: 'Succeeded' }] })
  t.equal((await world.status()).rollouts?.length, 1, 'one rollout')
  const records = JSON.parse((await world.history('web'))['rollouts.json']) as HistoryRecord[]
  t.equal(records.length, 1, 'one record')
  t.same(
    world.imagesOf('web'),
    [v1, v2].map((build) => world.imageOf(build)),
  )
}
