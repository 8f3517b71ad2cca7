import { join } from 'node:path'
import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { hanging, v1, v2 } from '../builds.ts'
import { emptyWorld, webCv, workloads } from '../scenario.ts'
import { eventsKey } from '../world.ts'
import { WriteProxy } from '../write-proxy.ts'
import { settled } from './interruptions.ts'

const status = /^PUT containerversions\/web-cv\/status$/

/** Whatever happens between a status and its events, they come, each once. */
export function lostEvents(t: Test, bed: Bed): readonly Promise<unknown>[] {
  const adopted = t.test(
    'R1 cvmanager is killed right after the status that adopts a workload: the event comes after the restart',
    { buffered: true },
    async (t) => {
      const world = await emptyWorld(t, bed)
      await world.ciMoves('env-prod', v1)
      await world.makes(...workloads(world, { deployment: 'web', running: v1, replicas: 1 }), webCv(world, 'env-prod'))
      const proxy = await WriteProxy.before(bed.kubeconfig)
      t.teardown(() => proxy.stop())
      const kubeconfig = await proxy.writeKubeconfig(join(bed.cluster.directory, `${world.namespace}.kubeconfig`))
      const flags = ['--watch-namespace', world.namespace, '--no-leader-election']
      const start = () => bed.operator({ name: `cvmanager-${world.namespace}`, kubeconfig, flags })
      const first = await start()
      proxy.killAt({ at: status, when: 'after' }, () => first.program.signal('SIGKILL'))
      await first.program.exited
      t.equal(world.now('ContainerVersion', 'web-cv')?.status.phase, 'UpToDate')
      await start()
      t.equal((await world.waitsForEvent('ContainerVersion/web-cv', 'Adopted')).length, 1)
    },
  )

  const superseded = t.test(
    'R1 cvmanager is killed right after the status that replaces a rollout: both rollouts have their events',
    { buffered: true },
    async (t) => {
      const { world, proxy, operator, start } = await settled(t, bed)
      await world.ciMoves('env-prod', hanging)
      await world.sees('web', hanging)
      await world.waitsForEvent('Deployment/web', 'RolloutStarted')
      proxy.killAt({ at: status, when: 'after' }, () => operator.program.signal('SIGKILL'))
      await world.ciMoves('env-prod', v2)
      await operator.program.exited
      await start()
      await world.runs(v2)
      await world.waitsForEvent('ContainerVersion/web-cv', 'RolloutSucceeded')
      t.same((await world.eventsAbout('Deployment/web')).map(({ reason }) => reason).sort(), [
        'RolloutStarted',
        'RolloutStarted',
        'RolloutSucceeded',
        'RolloutSuperseded',
      ])
    },
  )

  const refused = [429, 500, 503].map((code) =>
    t.test(
      `R1 the events of an outcome come although the API server answers ${code} at first, and hold nothing up`,
      { buffered: true },
      async (t) => {
        const { world, proxy } = await settled(t, bed)
        let refusals = 0
        proxy.refuse = (write) => {
          if (write !== 'POST events' || !proxy.writes.some((other) => other.includes('configmaps'))) return undefined
          refusals += 1
          return refusals <= 2 ? code : undefined
        }
        await world.ciMoves('env-prod', v2)
        await world.runs(v2)
        for (const about of ['ContainerVersion/web-cv', 'Deployment/web'])
          await world.waitsForEvent(about, 'RolloutSucceeded')
        t.ok(refusals >= 4, 'the first of each was refused')
        const events = (await world.events()).map(eventsKey)
        t.same(events, [...new Set(events)], 'no event twice')
      },
    ),
  )
  return [adopted, superseded, ...refused]
}
