import type { Bed } from '../bed.ts'
import { broken, hanging, v1, v2, v3 } from '../builds.ts'
import { inWords, type Operator } from '../operator.ts'
import { type AddTest, scenario } from '../scenario.ts'
import type { World } from '../world.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

/** Whoever reads the log alone learns what happened to each object. */
export function log(test: AddTest, bed: Bed, operator: Operator): void {
  const story = async (world: World) => (await operator.story(world.namespace)).map(inWords)
  const tells = (world: World, last: string) =>
    world.waitsFor(`the log to say ${last}`, async () => (await story(world)).at(-1) === last)

  test('the log of a good, a bad, an undone and a held version reads as their story', async (t) => {
    const world = await scenario(t, bed, web)
    await tells(world, 'info Adopted -> 1111111')
    await world.ciMoves('env-prod', v2)
    await tells(world, 'info RolloutSucceeded 1111111 -> 2222222')
    await world.ciMoves('env-prod', broken)
    await tells(world, 'warn RolledBack bad1bad -> 2222222')
    await world.pollsAgain(2)
    await world.ciMoves('env-prod', v1)
    await tells(world, 'info RolloutSucceeded 2222222 -> 1111111')
    await world.kubectl('rollout', 'pause', 'deployment/web')
    await world.pollsAgain(1)
    await world.ciMoves('env-prod', v3)
    await tells(world, 'info WorkloadPaused 1111111 -> 3333333')
    await world.pollsAgain(2)
    await world.kubectl('rollout', 'resume', 'deployment/web')
    await tells(world, 'info RolloutSucceeded 1111111 -> 3333333')
    await world.pollsAgain(1)

    t.same(await story(world), [
      'info Adopted -> 1111111',
      'info RolloutStarted 1111111 -> 2222222',
      'info RolloutSucceeded 1111111 -> 2222222',
      'info RolloutStarted 2222222 -> bad1bad',
      'warn RolloutFailed 2222222 -> bad1bad',
      'warn RolledBack bad1bad -> 2222222',
      'info RolloutStarted 2222222 -> 1111111',
      'info RolloutSucceeded 2222222 -> 1111111',
      'info WorkloadPaused 1111111 -> 3333333',
      'info RolloutStarted 1111111 -> 3333333',
      'info RolloutSucceeded 1111111 -> 3333333',
    ])
    const lines = await operator.story(world.namespace)
    t.same(new Set(lines.map(({ containerVersion }) => containerVersion)), new Set(['web-cv']))
    const causes = lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)
    for (const cause of causes) t.match(cause, /^bad1bad failed.*container main of pod web-\S+ .*ImagePullBackOff/)

    const polls = (await operator.about(`"target":"${world.repository}:env-prod"`, 100)).split('\n')
    t.equal(polls.length, world.polls('env-prod'), 'at debug, one line for each poll')
    const outcomes = polls.map((line): { outcome: string; version: string } => JSON.parse(line))
    t.same(
      outcomes.filter(({ outcome }) => outcome === 'changed').map(({ version }) => version),
      ['1111111', '2222222', 'bad1bad', '1111111', '3333333'],
    )
  })

  test('the log says that a rollout has ended because its ContainerVersion was deleted', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.delete('ContainerVersion', 'web-cv')
    await tells(world, 'info RolloutAborted bad3bad -> 1111111')
    t.same(await story(world), [
      'info Adopted -> 1111111',
      'info RolloutStarted 1111111 -> bad3bad',
      'info RolloutAborted bad3bad -> 1111111',
    ])
    t.match((await operator.story(world.namespace)).at(-1), { msg: /the ContainerVersion was deleted$/ })
  })
}
