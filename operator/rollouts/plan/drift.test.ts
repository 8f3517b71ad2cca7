/** Whatever happens, each change of an image by hand is told once. */
import fc from 'fast-check'
import { test } from 'tap'
import { NeedsChangeError } from '../../errors.ts'
import { timestamp } from '../../time/clock.ts'
import { epoch, imageOf, object, observation, offers, rollingOut, version } from './plan.fixture.ts'
import { plan } from './plan.ts'
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
            const { current, quarantined = [] } = cluster.object.status
            const { digest } = version(hand)
            const isWanted = hand === cluster.offered && !quarantined.some((entry) => entry.digest === digest)
            const isOther = !isWanted && digest !== current?.digest
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

test('a version that failed and is set again by hand is told, and so is what the status says of it', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'] })
  cluster.settle()
  const [web] = cluster.workloads
  if (!web) return
  t.match(cluster.object.status, { phase: 'RolledBack', next: { version: 'v2' } })
  cluster.setImage(web, imageOf('v2'))
  cluster.settle()
  t.match(toldIn(cluster), [/^Deployment\/web-0 was set to v2 by kubectl-set; it is left as it is, since v2 failed/])
  t.match(cluster.object.status, {
    current: { version: 'v2' },
    next: undefined,
    message: /^v2 failed and was rolled back, and somebody has set it again: /,
  })
})

test('a version that was left in place is not available; once it is gone, the status says so', async (t) => {
  const spec = { rollback: { enabled: false } }
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec })
  cluster.settle()
  t.match(cluster.object.status, { phase: 'Failed', current: { version: 'v2' }, next: undefined })
  const [web] = cluster.workloads
  if (!web) return
  cluster.setImage(web, imageOf('v1'))
  cluster.settle()
  t.match(cluster.object.status, {
    current: { version: 'v1' },
    next: { version: 'v2', heldBy: 'Quarantine' },
    message: /^v2 failed and was left in place, and does not run any more: /,
  })
})

test('during a rollout that waits for a correction, a change by hand is not said to be reversed', async (t) => {
  const previous = [{ name: 'web', image: imageOf('v1') }]
  const rollout = rollingOut([{ kind: 'Deployment', name: 'web', uid: 'uid-of-web', previous }])
  const { status } = plan(
    observation({
      object: object({ rollout }),
      offer: offers('v2'),
      problem: new NeedsChangeError('ContainerNotFound', 'Deployment shop/web has no container of the repository'),
      drift: [
        {
          workload: 'Deployment/web',
          containers: [{ name: 'web', image: 'nginx:1', running: undefined }],
          by: 'kubectl-set',
          setTime: timestamp(epoch),
        },
      ],
    }),
  )
  t.match(status.drifts, [
    {
      message:
        /^Deployment\/web was set to \S*nginx:1 by kubectl-set; it is left as it is, since the rollout of v2 goes on/,
    },
  ])
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
