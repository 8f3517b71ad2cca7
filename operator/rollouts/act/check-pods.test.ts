/** How the pods of checks are created and deleted, and what the API server may answer. */
import { test } from 'tap'
import { ApiError } from '../../kubernetes/api-error.ts'
import { object, rollingOut } from '../plan/plan.fixture.ts'
import type { Plan } from '../plan/plan.ts'
import type { Change } from '../workloads/workload.ts'
import { Bench } from './act.fixture.ts'

const create: Change = { change: 'create', object: { metadata: { namespace: 'shop', name: 'web-smoke-1' } } }
const remove: Change = { change: 'delete', of: { namespace: 'shop', name: 'web-smoke-1', uid: 'a' }, check: 'smoke' }
const status = { rollout: rollingOut() }
const plan = (...changes: readonly Change[]): Plan => {
  return { status, confirm: [], events: [], changes, record: undefined, requeueAt: undefined }
}
const bench = () => new Bench({ ...object(status), finalizers: ['cvmanager.io/rollout'] })
const refusing = (request: string, error: ApiError) => {
  const made = bench()
  made.refuse = (asked) => (asked === request ? error : undefined)
  return made
}

test('B37 the pod of a check is created by its name, and deleted once', async (t) => {
  const made = bench()
  await made.act(plan(create))
  await made.act(plan(remove))
  t.same(made.writes, ['POST pods', 'DELETE pods/web-smoke-1'])
  t.match(made.lines, [
    { level: 'debug', message: 'created the pod of a check', pod: 'web-smoke-1' },
    { level: 'debug', message: 'deleted the pod of a check', check: 'smoke' },
  ])
})

test('a refused creation is no error of the reconcile: the next one ends the check with the answer', async (t) => {
  const quota = new ApiError(403, 'Forbidden', 'exceeded quota: compute')
  const made = refusing('POST pods', quota)
  await made.act(plan(create))
  t.same([...(made.refused.get('shop/web-cv') ?? [])], [['web-smoke-1', 'exceeded quota: compute']])
  const taken = refusing('POST pods', new ApiError(409, 'AlreadyExists', 'pods "web-smoke-1" already exists'))
  await taken.act(plan(create))
  t.match([...(taken.refused.get('shop/web-cv') ?? [])], [['web-smoke-1', /another pod of that name; delete it/]])
})

test('a creation that may succeed the next time is tried again', async (t) => {
  const made = refusing('POST pods', new ApiError(500, 'InternalError', 'failed calling webhook'))
  await t.rejects(made.act(plan(create)), { message: 'failed calling webhook' })
})

test('a pod that cannot be deleted is told, and holds nothing up', async (t) => {
  const made = refusing('DELETE pods/web-smoke-1', new ApiError(403, 'Forbidden', 'it may not delete pods'))
  t.equal(await made.act(plan(remove)), undefined)
  t.match(made.events, [
    {
      reason: 'PodNotDeleted',
      message:
        'pod web-smoke-1 of check smoke is not needed any more, and cvmanager cannot delete it: it may not delete pods. Do it: kubectl delete pod web-smoke-1 -n shop',
    },
  ])
  const away = refusing('DELETE pods/web-smoke-1', new ApiError(500, 'InternalError', 'try again'))
  t.match(await away.act(plan(remove)), { message: 'try again' }, 'it is tried again')
  const gone = refusing('DELETE pods/web-smoke-1', new ApiError(404, 'NotFound', 'gone'))
  t.equal(await gone.act(plan(remove)), undefined)
  t.same(gone.events, [])
})
