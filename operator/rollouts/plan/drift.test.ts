/** Whatever happens, each change of an image by hand is told once. */
import fc from 'fast-check'
import { test } from 'tap'
import { imageOf, version } from './plan.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const names = fc.constantFrom('v1', 'v2', 'v3', 'hand')

function toldIn(cluster: Simulation): readonly string[] {
  return [...cluster.events.values()].filter(({ reason }) => reason === 'DriftDetected').map(({ message }) => message)
}

test('wherever the process dies, each change by hand to another version is told once, and no other change is', async (t) => {
  const moves = fc.array(fc.record({ at: fc.nat(1), hand: fc.option(names), offered: fc.option(names) }), {
    maxLength: 8,
  })
  const deaths = fc.array(fc.boolean(), { maxLength: 40 })
  fc.assert(
    fc.property(
      fc.subarray(['v2', 'hand']),
      moves,
      deaths,
      deaths,
      fc.boolean(),
      (bad, played, kills, refusals, enabled) => {
        const dying: boolean[] = []
        const refusing: boolean[] = []
        const cluster = new Simulation([imageOf('v1'), imageOf('v1')], {
          offered: 'v1',
          bad,
          spec: { rollback: { enabled } },
          dies: () => dying.shift() ?? false,
          refuses: () => refusing.shift() ?? false,
        })
        cluster.settle()
        dying.push(...kills)
        refusing.push(...refusals)
        let expected = 0
        for (const { at, hand, offered } of played) {
          if (offered !== null) cluster.offered = offered
          else if (hand !== null) {
            const found = cluster.workloads[at]
            const { current } = cluster.object.status
            const isOther = hand !== cluster.offered && version(hand).digest !== current?.digest
            if (found && found.image !== imageOf(hand)) {
              if (isOther) expected += 1
              cluster.setImage(found, imageOf(hand))
            }
          }
          cluster.settle()
          cluster.now += 1_000
        }
        refusing.length = 0
        cluster.settle()
        const told = toldIn(cluster)
        if (told.length !== expected) throw new Error(`${expected} changes: ${told.join('\n')}`)
      },
    ),
    { numRuns: 400 },
  )
  t.pass('400 clusters')
})

test('during a rollout a change by hand is told, and during a rollback that it stays', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v1' })
  cluster.settle()
  const [web] = cluster.workloads
  if (!web) return
  cluster.offered = 'v2'
  web.blocked = 'OnDelete'
  cluster.run(2_000)
  cluster.setImage(web, imageOf('hand'))
  cluster.run(2_000)
  t.same(cluster.images, [imageOf('v2')])
  t.same(toldIn(cluster), [
    'Deployment/web-0 was set to hand by kubectl-set; v2 is put back, for the tag env-prod points there',
  ])
  cluster.setImage(web, imageOf('v1'))
  cluster.run(2_000)
  t.match(toldIn(cluster)[1], /^Deployment\/web-0 was set to v1 by kubectl-set; v2 is put back/)

  const back = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  back.reconcile()
  const [stuck] = back.workloads
  if (!stuck) return
  stuck.refuses = true
  back.run(2_000)
  t.equal(back.object.status.phase, 'RollingBack')
  back.setImage(stuck, imageOf('hand'))
  back.settle()
  t.same(toldIn(back), [
    'Deployment/web-0 was set to hand by kubectl-set; it is left as it is, since a rollback restores only what the rollout has set',
  ])
  t.match(back.object.status, { phase: 'RolledBack', current: { version: 'hand' } })
})
