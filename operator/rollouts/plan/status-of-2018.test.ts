import fc from 'fast-check'
import { test } from 'tap'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { epoch, imageOf } from './plan.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const names = fc.constantFrom('v0', 'v1', 'v2', 'v3')

const copies = ({ object: { status } }: Simulation) => {
  const { deployed, currVersion, currStatus, currStatusTime, successVersion } = status
  return { deployed, currVersion, currStatus, currStatusTime, successVersion }
}

test('readers of the first cvmanager find what they read: a success, a failure, and the success before it', async (t) => {
  const cluster = new Simulation([imageOf('v0')], { offered: 'v1', bad: ['v2'] })
  cluster.reconcile()
  const started = new Date(epoch).toISOString().replace('.000', '')
  t.same(copies(cluster), {
    deployed: true,
    currVersion: 'v1',
    currStatus: 'Progressing',
    currStatusTime: started,
    successVersion: 'v0',
  })
  cluster.now += 60_000
  cluster.settle()
  const success = copies(cluster)
  t.match(success, { deployed: true, currVersion: 'v1', currStatus: 'Success', successVersion: 'v1' })
  t.not(success.currStatusTime, started)

  cluster.offered = 'v2'
  cluster.reconcile()
  t.match(copies(cluster), { currVersion: 'v2', currStatus: 'Progressing', successVersion: 'v1' })
  cluster.settle()
  const failure = copies(cluster)
  t.match(failure, { deployed: true, currVersion: 'v2', currStatus: 'Failed', successVersion: 'v1' })

  cluster.offered = undefined
  cluster.now += 3_600_000
  cluster.settle()
  t.same(copies(cluster), failure, 'an hour later, without the registry')
  cluster.offered = 'v1'
  cluster.settle()
  t.match(copies(cluster), { currVersion: 'v1', currStatus: 'Success', successVersion: 'v1' })
})

test('a workload that runs the version already is a success, and what cannot be seen yet is nothing', async (t) => {
  const adopted = new Simulation([imageOf('v1')], { offered: 'v1' })
  adopted.reconcile()
  t.match(copies(adopted), { deployed: true, currVersion: 'v1', currStatus: 'Success', successVersion: 'v1' })
  const away = new Simulation([imageOf('v0')], { offered: 'v0' })
  away.offered = undefined
  away.now += 120_000
  away.reconcile()
  t.match(copies(away), { currVersion: undefined, currStatus: undefined, currStatusTime: undefined })
})

test('the copies change only with what they are copies of, and never cause a write', async (t) => {
  const moves = fc.array(fc.tuple(names, fc.nat(6)), { minLength: 1, maxLength: 6 })
  const rest = ({
    deployed,
    currVersion,
    currStatus,
    currStatusTime,
    successVersion,
    ...fields
  }: ContainerVersionStatus) => fields
  fc.assert(
    fc.property(names, fc.subarray(['v2', 'v3']), moves, fc.boolean(), (first, bad, tagMoves, enabled) => {
      const cluster = new Simulation([imageOf('v0'), imageOf('v0')], {
        offered: first,
        bad,
        spec: { rollback: { enabled } },
      })
      for (const [offered, times] of tagMoves) {
        cluster.offered = offered
        for (let time = 0; time < times; time += 1) {
          const before = cluster.object.status
          cluster.reconcile()
          const after = cluster.object.status
          cluster.now += 500
          if (
            JSON.stringify(rest(before)) === JSON.stringify(rest(after)) &&
            JSON.stringify(before) !== JSON.stringify(after)
          )
            throw new Error(`only the copies changed: ${JSON.stringify(after)}`)
          const { phase, rollout, current, currVersion, currStatus, deployed, successVersion } = after
          if (rollout && (currStatus !== 'Progressing' || currVersion !== rollout.version)) return false
          if (phase === 'UpToDate' && (currStatus !== 'Success' || currVersion !== current?.version)) return false
          if (!rollout && (phase === 'RolledBack' || phase === 'Failed') && currStatus !== 'Failed') return false
          if (deployed !== undefined && deployed !== (current !== undefined)) return false
          if (current && successVersion !== current.version) return false
        }
      }
      return true
    }),
    { numRuns: 300 },
  )
  t.pass('300 clusters')
})
