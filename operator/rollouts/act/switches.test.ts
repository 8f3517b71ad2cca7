/** What surrounds the writes of ServiceBlueGreen: what is read again before, and what a refusal says. */
import { test } from 'tap'
import { finalizer } from '../../api/names.ts'
import { ApiError, isConflict } from '../../kubernetes/api-error.ts'
import { object, rollingOut } from '../plan/plan.fixture.ts'
import type { Plan } from '../plan/plan.ts'
import type { Change, WorkloadRef } from '../workloads/workload.ts'
import { Bench } from './act.fixture.ts'

const ref = (name: string, resourceVersion = '7'): WorkloadRef => ({
  kind: 'Deployment',
  namespace: 'shop',
  name,
  uid: `uid-of-${name}`,
  resourceVersion,
})
const service = { namespace: 'shop', name: 'web', uid: 'uid-of-service', resourceVersion: '3' }

const toGreen: Change = {
  change: 'selector',
  of: service,
  selector: { app: 'web', color: 'green' },
  seen: { app: 'web', color: 'blue' },
  workloads: [ref('web-blue'), ref('web-green')],
}

function bench(...changes: readonly Change[]) {
  const bench = new Bench({ ...object({ rollout: rollingOut() }), finalizers: [finalizer] })
  for (const name of ['web-blue', 'web-green'])
    bench.put(`deployments/${name}`, { metadata: { ...ref(name), resourceVersion: '7' } as never })
  const plan: Plan = {
    status: bench.object.status,
    confirm: [],
    events: [],
    changes,
    record: undefined,
    requeueAt: undefined,
  }
  return { bench, plan, act: () => bench.act(plan) }
}

test('B35 both sides are read again right before the switch', async (t) => {
  const { bench: one, act } = bench(toGreen)
  await act()
  const last = one.requests.slice(-3)
  t.same(last, ['GET deployments/web-blue', 'GET deployments/web-green', 'PATCH services/web'])
})

test('B35 a side that has changed since it was observed keeps users where they are', async (t) => {
  const { bench: one, act } = bench(toGreen)
  one.put('deployments/web-blue', { metadata: { ...ref('web-blue'), resourceVersion: '8' } as never })
  t.ok(isConflict(await act().catch((thrown: unknown) => thrown)))
  t.notOk(one.writes.includes('PATCH services/web'))
  t.equal(one.changed.at(-1)?.resourceVersion, '8', 'what was read counts from now on')
})

test('a ContainerVersion that has changed since it was observed switches nobody', async (t) => {
  const { bench: one, plan } = bench(toGreen)
  const seen = one.object
  one.put('containerversions/web-cv', { ...seen, metadata: { ...seen, resourceVersion: '9' } as never })
  t.ok(isConflict(await one.act(plan, seen).catch((thrown: unknown) => thrown)))
  t.notOk(one.writes.includes('PATCH services/web'))
})

for (const [what, change, request] of [
  ['a switch', toGreen, 'PATCH services/web'],
  ['a scale', { change: 'scale', of: ref('web-green'), replicas: 3 }, 'PATCH deployments/web-green/scale'],
] as const) {
  test(`${what} that the API server refuses is told, and the next plan knows it`, async (t) => {
    const { bench: one, act } = bench(change)
    one.refuse = (sent) => (sent === request ? new ApiError(403, 'Forbidden', 'a policy denies it') : undefined)
    await t.rejects(act(), { message: 'a policy denies it' })
    t.match(one.events, [{ type: 'Warning', reason: 'PatchRefused', message: /a policy denies it/ }])
    t.match([...(one.refused.get('shop/web-cv')?.values() ?? [])], ['a policy denies it'])
  })
}

test('after a scale the workload is read again, so that the next plan sees it', async (t) => {
  const { bench: one, act } = bench({ change: 'scale', of: ref('web-green'), replicas: 3 })
  await act()
  t.same(one.requests.slice(-2), ['PATCH deployments/web-green/scale', 'GET deployments/web-green'])
  t.match(one.changed.at(-1), { name: 'web-green' })
})
