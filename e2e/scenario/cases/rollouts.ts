import type { Bed } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import { type AddTest, scenario } from '../scenario.ts'

/** A tag moves, and its new image is rolled out. */
export function rollouts(test: AddTest, bed: Bed): void {
  test('a moved tag is rolled out to the exact image by one patch, with status, history and events', async (t) => {
    const config = { name: 'versions', key: 'web' }
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod', spec: { config } })
    await world.ciMoves('env-prod', v2)
    await world.sees('web', `${world.repository}:2222222@${v2.digest}`)
    await world.runs(v2)

    t.equal(await world.imagePatches('web'), 1)
    const status = await world.status()
    t.match(status, {
      phase: 'UpToDate',
      message: 'all workloads run 2222222',
      observed: { tag: 'env-prod', digest: v2.digest, version: '2222222', source: 'alias' },
      current: { digest: v2.digest, version: '2222222', image: world.imageOf(v2) },
      rollouts: [{ version: '2222222', from: '1111111', outcome: 'Succeeded', duration: /^\d+s$/ }],
    })
    t.notOk(status.rollout, 'no rollout is in progress')
    t.notOk(status.next, 'nothing is waiting')
    t.match(
      status.conditions?.map(({ type, status }) => `${type}=${status}`),
      ['Ready=True', 'Progressing=False', 'Stalled=False'],
    )

    await world.waitsFor('the deployed version to be written', async () => (await configOf(world)) === '2222222')
    t.match(await world.history('web'), {
      Info: /^Update occurred at:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC:\nWorkload:web to version:2222222\n/,
      'rollouts.json': /"version":"2222222".*"outcome":"Succeeded"/,
    })
    for (const about of ['ContainerVersion/web-cv', 'Deployment/web']) {
      const reasons = (await world.eventsAbout(about)).map(({ reason }) => reason)
      t.same(reasons.filter((reason) => reason.startsWith('Rollout')).sort(), ['RolloutStarted', 'RolloutSucceeded'])
    }
  })
}

const configOf = async (world: { configMap(name: string): Promise<Readonly<Record<string, string>>> }) =>
  (await world.configMap('versions')).web
