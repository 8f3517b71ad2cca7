/** `cv wait` while the API server is away, or nobody answers. */
import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { v1, v2, v3 } from '../builds.ts'
import { asCi, hourlyScenario } from '../looking.ts'
import type { Operator } from '../operator.ts'

export async function waitingAlone(t: Test, bed: Bed, operator: Operator): Promise<void> {
  const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
  const ci = await asCi(world)

  await t.test('the API server goes away for some seconds: it says so once, and goes on', async (t) => {
    const waiting = await ci.starts(t, 'wait', 'web-cv', '--version', v2.name)
    await waiting.says('does not offer')
    await bed.cluster.stopApiServer('SIGKILL')
    await waiting.says('is not available')
    await bed.cluster.startApiServer()
    await waiting.says('in contact with the API server again')
    await world.ciMoves('env-prod', v2)
    await world.waitsFor('cvmanager to answer', async () => (await ci.cv('reconcile', 'web-cv')).status === 0)
    t.match(await waiting.ended, { status: 0, output: /2222222 is healthy/ })
  })

  await t.test('an annotation that was handled costs nothing after a restart', async (t) => {
    const before = await world.get<{ metadata: { resourceVersion: string } }>('ContainerVersion', 'web-cv')
    await operator.stop('SIGTERM')
    const polls = world.polls()
    const next = await bed.operator({ name: 'restarted' })
    await next.isAtWork()
    await world.waitsFor('the first poll', () => world.polls() > polls)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const after = await world.get<{ metadata: { resourceVersion: string } }>('ContainerVersion', 'web-cv')
    t.equal(after.metadata.resourceVersion, before.metadata.resourceVersion, 'no write')
    t.equal(world.polls(), polls + 1, 'the poll of each start, and no other')
    await next.stop('SIGTERM')
  })

  await t.test('nobody handles the request: that is said after some seconds, and the wait ends with 5', async (t) => {
    await world.ciMoves('env-prod', v3)
    const { status, output, complaint } = await ci.wait('--timeout', '16s')
    t.equal(status, 5)
    t.match(complaint, /cvmanager does not answer: it is not running, or the registry keeps it waiting/)
    t.match(
      output,
      /the version of the tag is not there yet: UpToDate: .*cvmanager has not answered the request: is it running\?\n$/,
    )
  })
}
