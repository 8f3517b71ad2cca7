/** The annotation `cvmanager.io/reconcile`. */
import type { Bed } from '../bed.ts'
import { hanging, v1, v2, v3 } from '../builds.ts'
import { asCi, hourlyScenario, Looking } from '../looking.ts'
import type { AddTest } from '../scenario.ts'
import type { World } from '../world.ts'

const annotate = (world: World, value: string) =>
  world.kubectl('annotate', 'cv/web-cv', '--overwrite', `cvmanager.io/reconcile=${value}`)

const handled = (world: World, value: string) =>
  world.waitsFor(`${value} to be handled`, async () => (await world.status()).lastHandledReconcileAt === value, 15_000)

export function reconciling(test: AddTest, bed: Bed): void {
  test('a new value of the annotation polls the tag now, and the status names it once the poll has answered', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const before = world.polls()
    await annotate(world, 'one')
    await handled(world, 'one')
    t.equal(world.polls(), before + 1)
    await world.ciMoves('env-prod', v2)
    const asked = await new Looking(world).cv('reconcile', 'web-cv')
    t.match(asked, {
      status: 0,
      output: /^ContainerVersion scenario-\d+\/web-cv: asked cvmanager to poll \S+:env-prod now/,
    })
    await world.runs(v2)
    const object = await world.get<{ metadata: { annotations: object } }>('ContainerVersion', 'web-cv')
    t.match(object.metadata.annotations, { 'cvmanager.io/reconcile': /^20/ }, 'the annotation stays')
    t.match(await world.kubectl('get', 'cv', 'web-cv', '-o', 'yaml', '--show-managed-fields'), 'manager: cvmanager-cli')
  })

  test('it is handled in the middle of a rollout, too', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    await world.ciMoves('env-prod', hanging)
    await annotate(world, 'one')
    await world.becomes('RollingOut')
    await annotate(world, 'two')
    await handled(world, 'two')
    t.equal((await world.status()).phase, 'RollingOut')
    await world.ciMoves('env-prod', v3)
    await annotate(world, 'three')
    await world.runs(v3)
    t.equal((await world.status()).lastHandledReconcileAt, 'three')
  })

  test('a tag that cannot be polled is handled as well, and the status says why', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    await world.changes('ContainerVersion', 'web-cv', { spec: { tag: 'gone' } })
    await world.becomes('Stalled')
    await annotate(world, 'one')
    await handled(world, 'one')
    t.match(await world.status(), { phase: 'Stalled', message: /gone/ })
  })

  test('a storm of new values costs about a poll a second, and the last one is handled', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const before = world.polls()
    const began = Date.now()
    for (let value = 0; value < 100; value++) {
      const metadata = { annotations: { 'cvmanager.io/reconcile': `storm-${value}` } }
      await world.changes('ContainerVersion', 'web-cv', { metadata })
    }
    await handled(world, 'storm-99')
    const seconds = (Date.now() - began) / 1000
    const polls = world.polls() - before
    t.ok(polls <= seconds + 3, `${polls} polls in ${seconds} s`)
  })

  test('cv reconcile says that there is no such ContainerVersion, or prints what it has asked for', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    t.match(await ci.cv('reconcile', 'other'), {
      status: 3,
      complaint: /^error: there is no ContainerVersion other in/,
    })
    t.match(JSON.parse((await ci.cv('reconcile', 'web-cv', '-o', 'json')).output), {
      namespace: world.namespace,
      name: 'web-cv',
      follows: `${world.repository}:env-prod`,
    })
  })
}
