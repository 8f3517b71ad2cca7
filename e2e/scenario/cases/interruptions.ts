import { join } from 'node:path'
import type { Test } from 'tap'
import { type Registry, startRegistry } from '../../harness/registry.ts'
import type { Bed } from '../bed.ts'
import { type Build, broken, v1, v2 } from '../builds.ts'
import type { Operator } from '../operator.ts'
import { emptyWorld, webCv, workloads } from '../scenario.ts'
import type { World } from '../world.ts'
import { WriteProxy } from '../write-proxy.ts'

interface Edit {
  readonly what: string
  readonly spec: object
  /** The version that the workloads run in the end. */
  readonly ends: Build
  readonly images: readonly Build[]
}

const edits: readonly Edit[] = [
  { what: 'nothing that matters', spec: { timeoutSeconds: 60 }, ends: v1, images: [v1, broken, v1] },
  { what: 'another tag', spec: { tag: 'env-test' }, ends: v2, images: [v1, broken, v2] },
  {
    what: 'a selector that finds nothing',
    spec: { selector: { cvapp: 'nothing' } },
    ends: v1,
    images: [v1, broken, v1],
  },
]

/** Something happens between the writes of a rollout of a bad version. */
export function interruptions(t: Test, bed: Bed): readonly Promise<unknown>[] {
  const edited = edits.map(({ what, spec, ends, images }) =>
    t.test(
      `an edit of the spec right before the image patch (${what}) does not keep a bad version`,
      { buffered: true },
      async (t) => {
        // A selector that finds nothing has time until the deadline.
        const { world, proxy } = await settled(t, bed, { timeoutSeconds: 15 })
        proxy.pauseBefore(/^PATCH deployments\/web$/, () => world.changes('ContainerVersion', 'web-cv', { spec }))
        await world.ciMoves('env-test', v2)
        await world.ciMoves('env-prod', broken)
        await world.sees('web', broken)
        await world.sees('web', ends)
        await world.waitsFor('the rollout to end', () => !world.now('ContainerVersion', 'web-cv')?.status.rollout)
        const seen = [...world.imagesOf('web')]
        // The bad pods may be found stuck before the other tag's first poll: then v1 comes back in between.
        const inBetween = ends !== v1 && seen.length === images.length + 1 ? seen.splice(2, 1) : []
        t.ok(inBetween.every((image) => image === world.imageOf(v1)))
        t.same(
          seen,
          images.map((build) => world.imageOf(build)),
        )
        const { current, rollouts = [] } = await world.status()
        t.not(current?.digest, broken.digest, 'the bad version is not said to run')
        t.notOk(rollouts.some(({ digest, outcome }) => digest === broken.digest && outcome === 'Succeeded'))
      },
    ),
  )
  const killed = t.test(
    'cvmanager is killed right after the patch, and rolls back although the registry is away',
    { buffered: true },
    async (t) => {
      const registry = await startRegistry()
      t.teardown(() => registry.stop())
      const { world, proxy, operator, start } = await settled(t, bed, { registry, timeoutSeconds: 15 })
      const patched = Promise.withResolvers<void>()
      proxy.killAt({ at: /^PATCH deployments\/web$/, when: 'after' }, () => {
        operator.program.signal('SIGKILL')
        patched.resolve()
      })
      await world.ciMoves('env-prod', broken)
      await patched.promise
      await operator.program.exited
      await registry.goAway()
      await world.sees('web', broken)
      await start()
      await world.sees('web', v1)
      await world.waitsFor('the rollout to end', () => !world.now('ContainerVersion', 'web-cv')?.status.rollout)
      const { rollouts } = await world.status()
      t.match(rollouts, [{ digest: broken.digest, outcome: 'RolledBack' }])
      await registry.comeBack()
    },
  )
  return [...edited, killed]
}

export interface Settled {
  readonly world: World
  readonly proxy: WriteProxy
  readonly operator: Operator
  readonly start: () => Promise<Operator>
}

/** A Deployment `web` that is up to date with v1, and its own operator behind a write proxy. */
export async function settled(
  t: Test,
  bed: Bed,
  { registry = bed.registry, timeoutSeconds = 120 }: { registry?: Registry; timeoutSeconds?: number } = {},
): Promise<Settled> {
  const world = await emptyWorld(t, bed, registry)
  await world.ciMoves('env-prod', v1)
  const made = workloads(world, { deployment: 'web', running: v1, replicas: 1 })
  await world.makes(...made, webCv(world, 'env-prod', { timeoutSeconds }))
  await world.waitsFor('the pod to be ready', () => world.now('Deployment', 'web')?.ready === 1)
  const proxy = await WriteProxy.before(bed.kubeconfig)
  t.teardown(() => proxy.stop())
  const kubeconfig = await proxy.writeKubeconfig(join(bed.cluster.directory, `${world.namespace}.kubeconfig`))
  const start = () =>
    bed.operator({
      name: `cvmanager-${world.namespace}`,
      kubeconfig,
      registries: [registry],
      flags: ['--watch-namespace', world.namespace, '--no-leader-election'],
    })
  const operator = await start()
  await world.runs(v1)
  return { world, proxy, operator, start }
}
