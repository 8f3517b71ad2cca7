import type { Bed } from '../bed.ts'
import { broken, v1 } from '../builds.ts'
import type { Operator } from '../operator.ts'
import { type AddTest, scenario } from '../scenario.ts'

/** What a platform team alerts on. */
export function metrics(test: AddTest, bed: Bed, operator: Operator): void {
  test('/metrics says of each ContainerVersion how it is, and forgets it when it is deleted', async (t) => {
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
    const labels = `{namespace="${world.namespace}",name="web-cv"`
    const samples = async () => {
      const page = await (await fetch(`http://127.0.0.1:${operator.port}/metrics`)).text()
      const own = page.split('\n').filter((line) => line.includes(labels))
      return own.map((line) => line.replace('cvmanager_containerversion_', '').replace(labels, '').replace(',', '{'))
    }
    const has = (...lines: readonly string[]) =>
      world.waitsFor(`the metrics ${lines}`, async () => {
        const found = await samples()
        return lines.every((line) => found.includes(line))
      })
    await has('phase{phase="UpToDate"} 1', 'ready} 1')
    const polledAt = Number((await samples()).find((line) => line.startsWith('last_poll'))?.split(' ')[1])
    t.ok(Math.abs(Date.now() / 1000 - polledAt) < 30, `polled at ${polledAt}`)

    await world.ciMoves('env-prod', broken)
    await has('phase{phase="RolledBack"} 1', 'ready} 0', 'held{held_by="Quarantine"} 1')
    const endTime = Date.parse((await world.status()).rollouts?.[0]?.endTime ?? '') / 1000
    await has(`last_rollout_timestamp_seconds{outcome="RolledBack"} ${endTime}`)

    await world.delete('ContainerVersion', 'web-cv')
    await world.waitsFor('the metrics to go', async () => (await samples()).length === 0)
  })
}
