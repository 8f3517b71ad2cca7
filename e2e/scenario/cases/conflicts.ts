import type { Test } from 'tap'
import type { HistoryRecord } from '../../../operator/rollouts/history/records.ts'
import type { Bed } from '../bed.ts'
import { broken, v2, v3 } from '../builds.ts'
import { settled } from './interruptions.ts'

/** As if somebody else changed every object all the time. */
export function conflicts(t: Test, bed: Bed): Promise<unknown> {
  return t.test(
    'R5 every second write is in conflict: all ends as without, with at most three times the writes',
    { buffered: true },
    async (t) => {
      const { world, proxy } = await settled(t, bed)
      const records = async () => JSON.parse((await world.history('web'))['rollouts.json']) as HistoryRecord[]
      /** One version goes out, and one that cannot run is rolled back. @returns how many writes that took */
      const plays = async (good: typeof v2): Promise<number> => {
        const before = proxy.writes.length
        await world.ciMoves('env-prod', good)
        await world.runs(good)
        await world.ciMoves('env-prod', broken)
        await world.sees('web', broken)
        await world.becomes('RolledBack')
        await world.waitsFor(
          'the finalizer to go',
          () => world.now('ContainerVersion', 'web-cv')?.finalizers.length === 0,
        )
        return proxy.writes.length - before
      }
      const undisturbed = await plays(v2)
      let refused = 0
      proxy.faultOf = ({ kind, number }) => {
        if (kind !== 'write' || number % 2 === 0) return undefined
        refused += 1
        return { fault: 'refuse', status: 409 }
      }
      const disturbed = await plays(v3)
      t.ok(refused >= Math.floor(disturbed / 2), `${refused} of ${disturbed} were refused`)
      t.ok(disturbed <= 3 * undisturbed, `${disturbed} writes instead of ${undisturbed}`)
      t.equal(world.now('Deployment', 'web')?.images[0], world.imageOf(v3), 'the version before is back')
      t.same(
        (await records()).map(({ version, outcome }) => `${version} ${outcome}`).sort(),
        [v2, broken, v3, broken]
          .map(({ name }) => `${name} ${name === broken.name ? 'RolledBack' : 'Succeeded'}`)
          .sort(),
        'one record for each',
      )
      t.equal(await world.imagePatches('web'), 6, 'one patch there, and one back')
    },
  )
}
