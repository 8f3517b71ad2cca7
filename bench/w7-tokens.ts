import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FigureSet } from './figures.ts'
import { idleWindow } from './idle-window.ts'
import { withOperator } from './with-operator.ts'
import { World } from './world.ts'

/** A fifth of the usual interval and of the usual lifetime of a token (300 s): the same number of polls by each token. */
const intervalSeconds = 12
const expiresInSeconds = 60
/** Two lifetimes. */
const intervals = 10

/** W7: a registry that wants a bearer token for each repository. */
export async function tokens(n: number): Promise<FigureSet> {
  const registry = { auth: 'token', token: { expiresInSeconds } } as const
  return await World.with({ registry }, async (world) => {
    await world.growTo(n)
    const dockerConfig = join(world.cluster.directory, 'docker-config.json')
    await writeFile(dockerConfig, world.registry.dockerConfig())
    return await withOperator(
      world,
      { intervalSeconds, flags: ['--docker-config', dockerConfig] },
      async (operator) => {
        const atTheStart = world.registry.count({ kind: 'token' })
        const { asked } = await idleWindow(world, operator, intervals * intervalSeconds * 1_000)
        const tokenRequests = asked.filter(({ kind }) => kind === 'token').length
        const refused = asked.filter(({ status }) => status === 401).length
        return {
          workload: 'W7 tokens',
          n,
          figures: [
            {
              name: 'registry requests, tokens included',
              unit: 'a tag and interval',
              value: asked.length / n / intervals,
              mark: { atMost: 1.02 },
              note: `${asked.length} in ${intervals} intervals of ${intervalSeconds} s; tokens last ${expiresInSeconds} s`,
            },
            { name: 'of them, for tokens', value: tokenRequests },
            { name: 'of them, answered with 401', value: refused },
            { name: 'token requests at the start', value: atTheStart },
          ],
        }
      },
    )
  })
}
