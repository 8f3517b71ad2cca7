import { setTimeout as sleep } from 'node:timers/promises'
import type { FigureSet } from './figures.ts'
import { untilUpToDate, withOperator } from './with-operator.ts'
import { inParallel, World } from './world.ts'

const intervalSeconds = 60
/** How many Deployments of others there are for each that is followed. */
const othersForEach = 5
/** For the heap to be what it stays. */
const restMs = 60_000

/** W8: a start in a large cluster. N ContainerVersions with a Deployment each, and five times as many other Deployments. */
export async function coldStart(n: number): Promise<FigureSet> {
  return await World.with({}, async (world) => {
    await world.growTo(n)
    const others = Array.from({ length: othersForEach * n }, (_, index) => `other-${index}`)
    await inParallel(others, (name) => world.addDeployment(name, 'other:1', { paused: true }))
    // New objects get their status first; what is measured is a restart.
    await withOperator(world, { intervalSeconds }, (operator) => untilUpToDate(world, operator, n))
    return await withOperator(world, { intervalSeconds }, async (operator) => {
      const passSeconds = (Date.now() - operator.startedAt) / 1_000
      await sleep(restMs)
      const { pssMiB, rssMiB, peakRssMiB } = await operator.memory()
      return {
        workload: 'W8',
        n,
        figures: [
          { name: 'other Deployments', value: others.length },
          { name: 'restart, until all tags were polled', unit: 's', value: passSeconds, mark: { atMost: 15 } },
          { name: 'memory, PSS', unit: 'MiB', value: pssMiB },
          { name: 'memory, RSS', unit: 'MiB', value: rssMiB },
          { name: 'memory, RSS at its highest', unit: 'MiB', value: peakRssMiB },
          { name: 'highest to steady RSS', unit: 'times', value: peakRssMiB / rssMiB, mark: { atMost: 1.5 } },
        ],
      }
    })
  })
}
