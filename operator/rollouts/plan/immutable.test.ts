/** A Job in the unit: nobody can change it. */
import fc from 'fast-check'
import { test } from 'tap'
import type { Workload } from '../workloads/workload.ts'
import { imageOf, object, observation, offers, rollingOut, workload } from './plan.fixture.ts'
import { plan } from './plan.ts'

const web = workload('web', [{ name: 'web', image: imageOf('v1') }])

function jobWith(version: string): Workload {
  const made = workload('migrate', [{ name: 'migrate', image: imageOf(version) }])
  return { ...made, ref: { ...made.ref, kind: 'Job' }, name: 'Job/migrate', rolls: 'Never' }
}

const planned = (...workloads: readonly Workload[]) =>
  plan(observation({ object: object(), workloads, offer: offers('v2') }))

test('B13 while a Job runs another version, nothing of the unit changes, and it is told what to do', async (t) => {
  const { status, changes } = planned(web, jobWith('v1'))
  t.same(changes, [])
  t.match(status, {
    phase: 'Pending',
    next: { version: 'v2', heldBy: 'WorkloadImmutable' },
    held: [{ by: 'WorkloadImmutable' }],
    message:
      /^v2 is rolled out when Job\/migrate has ended, .*create it anew with v2 of registry\.example\.com\/shop\/web if you still need it: kubectl delete job\/migrate -n shop$/,
  })
  t.equal(status.rollout, undefined)
})

test('B13 a Job that runs the version does not hold it up, is not changed, and is not put back', async (t) => {
  const { status, changes } = planned(web, jobWith('v2'))
  t.match(changes, [{ change: 'images', of: { name: 'web' } }])
  t.equal(changes.length, 1)
  t.match(status.rollout?.workloads, [{ kind: 'Deployment', name: 'web' }])
  t.equal(status.rollout?.workloads.length, 1)
})

test('when the Job has ended, the rollout begins', async (t) => {
  t.match(planned(web).changes, [{ change: 'images' }])
})

test('a Job that begins in the middle of a rollout does not end it, and is not changed', async (t) => {
  const previous = [{ name: 'web', image: imageOf('v1') }]
  const rollout = rollingOut([{ kind: 'Deployment', name: 'web', uid: 'uid-of-web', previous }])
  const going = object({ phase: 'RollingOut', rollout })
  const workloads = [workload('web', [{ name: 'web', image: imageOf('v2') }]), jobWith('v1')]
  const { status, changes, record } = plan(observation({ object: going, workloads, offer: offers('v2') }))
  t.same(changes, [])
  t.match(record?.rollout ?? status.rollout, { outcome: 'Succeeded' })
})

test('whatever runs, no Job is ever changed, and nothing else while one keeps the unit back', async (t) => {
  const member = fc.record({ isJob: fc.boolean(), runs: fc.constantFrom('v1', 'v2', 'v3') })
  const states = fc.constantFrom('idle', 'rolling out', 'rolling back')
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), states, (members, state) => {
      const workloads = members.map(({ isJob, runs }, at) =>
        isJob ? { ...jobWith(runs), ref: { ...jobWith(runs).ref, uid: `job-${at}` } } : workloadWith(at, runs),
      )
      const previous = [{ name: 'web', image: imageOf('v1') }]
      const known = workloads
        .filter(({ rolls }) => rolls !== 'Never')
        .map(({ ref: { kind, name, uid } }) => ({ kind, name, uid, previous }))
      const phase = state === 'rolling back' ? ('RollingBack' as const) : ('RollingOut' as const)
      const status = state === 'idle' ? {} : { phase, rollout: { ...rollingOut(known), phase } }
      const { changes } = plan(observation({ object: object(status), workloads, offer: offers('v2') }))
      const isHeld = state === 'idle' && members.some(({ isJob, runs }) => isJob && runs !== 'v2')
      return (
        changes.every((change) => 'of' in change && !('kind' in change.of && change.of.kind === 'Job')) &&
        !(isHeld && changes.length > 0)
      )
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})

const workloadWith = (at: number, version: string) => workload(`web-${at}`, [{ name: 'web', image: imageOf(version) }])
