import { join } from 'node:path'
import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { type Build, build } from '../builds.ts'
import { eventsKey } from '../world.ts'
import { WriteProxy } from '../write-proxy.ts'
import { blueGreenExample, colorOf, otherSide, replicasOf, switchesOf } from './blue-green.ts'

const v2 = build('v1.1.0') as Build

/** A write of each part, and of each kind. */
const writes: readonly (readonly [string, RegExp])[] = [
  ['the image', /^PATCH deployments\/web-\w+$/],
  ['the replicas of the idle side', /^PATCH deployments\/web-\w+\/scale$/],
  ['the switch', /^PATCH services\/web$/],
  ['the events of the switch', /^POST events$/],
]

/** cvmanager is killed in each part of a blue/green rollout, and started again. */
export function blueGreenKills(t: Test, bed: Bed): readonly Promise<unknown>[] {
  return writes.flatMap(([what, at]) =>
    (['before', 'after'] as const).map((when) =>
      t.test(
        `R1 R12 blue/green: killed ${when} ${what}, it goes on, and switches once`,
        { buffered: true },
        async (t) => {
          const proxy = await WriteProxy.before(bed.kubeconfig)
          t.teardown(() => proxy.stop())
          const start = async (namespace: string) => {
            const kubeconfig = await proxy.writeKubeconfig(join(bed.cluster.directory, `${namespace}.kubeconfig`))
            const flags = ['--watch-namespace', namespace, '--no-leader-election']
            return bed.operator({ name: `cvmanager-${namespace}`, kubeconfig, flags })
          }
          const { world, live, operator } = await blueGreenExample(t, bed, {}, start)
          const idle = otherSide(live)
          const before = (await switchesOf(world)).length
          proxy.killAt({ at, when }, () => operator?.program.signal('SIGKILL'))
          await world.ciMoves('env-prod', v2)
          await operator?.program.exited
          await start(world.namespace)
          await world.runs(v2, 'web')
          t.equal((await switchesOf(world)).length, before + 1)
          t.equal(await colorOf(world), idle)
          t.same([await replicasOf(world, idle), await replicasOf(world, live)], [2, 0])
          t.match((await world.status('web')).rollouts?.[0], { outcome: 'Succeeded', digest: v2.digest })
          await world.waitsForEvent('ContainerVersion/web', 'RolloutSucceeded')
          const keys = (await world.eventsAbout('ContainerVersion/web')).map(
            ({ message, ...event }) => `${eventsKey({ message, ...event })} ${message}`,
          )
          t.same(keys, [...new Set(keys)], 'no event twice')
          t.ok(keys.some((key) => key.includes(`ServiceSwitched Service web leads to v1.1.0`)))
        },
      ),
    ),
  )
}
