import { test } from 'tap'
import { finalizer } from '../../api/names.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import { TransientError } from '../../errors.ts'
import { ApiError, isConflict } from '../../kubernetes/api-error.ts'
import { epoch, imageOf, object, observation, offers, version, workload } from '../plan/plan.fixture.ts'
import { plan } from '../plan/plan.ts'
import { Bench } from './act.fixture.ts'

const config = { name: 'versions', key: 'web' }
const v1 = [{ name: 'web', image: imageOf('v1') }]
const v2 = [{ name: 'web', image: imageOf('v2') }]
const posts = ({ requests }: Bench) => requests.filter((request) => request === 'POST events').length
const reasons = ({ events }: Bench) => [...new Set(events.map(({ reason }) => reason))]

const rollout: RolloutStatus = {
  id: 'a1',
  phase: 'Recording',
  digest: version('v2').digest,
  version: 'v2',
  image: imageOf('v2'),
  from: 'v1',
  startTime: '2026-01-02T03:03:05Z',
  deadline: '2026-01-02T03:18:05Z',
  endTime: '2026-01-02T03:04:05Z',
  outcome: 'Succeeded',
  workloads: [{ kind: 'Deployment', name: 'web', uid: 'uid-of-web', previous: v1 }],
}

/** A rollout has ended, and its record is due. */
function recording(given: { deleting?: boolean; rollout?: Partial<RolloutStatus> } = {}) {
  const { deleting = false } = given
  const before = {
    ...object({ rollout: { ...rollout, ...given.rollout } }, { config }),
    finalizers: [finalizer, 'example.com/theirs'],
    deleting,
  }
  const bench = new Bench(before)
  const workloads = deleting ? [] : [workload('web', v2)]
  return { bench, planned: plan(observation({ object: bench.object, offer: offers('v2'), workloads })) }
}

const final: readonly ApiError[] = [
  new ApiError(400, 'BadRequest', 'admission webhook "policy.example.com" denied the request'),
  new ApiError(403, 'Forbidden', 'configmaps "web.history" is forbidden'),
  new ApiError(404, 'NotFound', 'namespaces "shop" not found'),
  new ApiError(405, 'MethodNotAllowed', 'not supported'),
  new ApiError(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728'),
  new ApiError(422, 'Invalid', 'Too long: may not be more than 1048576 bytes'),
  new ApiError(500, 'Unknown', 'etcdserver: request is too large'),
  new ApiError(500, 'Unknown', 'rpc error: trying to send message larger than max (2097429 vs. 2097152)'),
]
const passing: readonly Error[] = [
  new ApiError(409, 'Conflict', 'the object has been modified'),
  new ApiError(410, 'Expired', 'too old'),
  new ApiError(429, 'TooManyRequests', 'try again'),
  new ApiError(500, 'InternalError', 'failed calling webhook "policy.example.com": connection refused'),
  new ApiError(503, 'ServiceUnavailable', 'not ready'),
  new TransientError('ApiServerUnavailable', 'no answer in time'),
]

for (const error of final) {
  const refuse = (request: string) => (request.includes('configmaps') ? error : undefined)

  test(`a history and a spec.config that are refused with "${error.message}" are told, and the rollout ends`, async (t) => {
    const { bench, planned } = recording()
    bench.refuse = refuse
    t.equal(await bench.act(planned), undefined, 'nothing is to be tried again')
    t.match(bench.object, { status: { phase: 'UpToDate', rollout: undefined }, finalizers: ['example.com/theirs'] })
    t.same(reasons(bench), ['RolloutStarted', 'HistoryNotWritten', 'RolloutSucceeded', 'ConfigNotWritten'])
    for (const { reason, message } of bench.events) if (reason.endsWith('NotWritten')) t.match(message, error.message)
  })

  test(`a deleted ContainerVersion is let go if its history is refused with "${error.message}"`, async (t) => {
    const { bench, planned } = recording({ deleting: true, rollout: { outcome: 'Aborted' } })
    bench.refuse = refuse
    await bench.act(planned)
    t.same(bench.object.finalizers, ['example.com/theirs'])
    t.ok(reasons(bench).includes('HistoryNotWritten'))
  })
}

test('a rollback ends only if its workloads are as they were observed', async (t) => {
  const { bench, planned } = recording()
  const of = { kind: 'Deployment' as const, namespace: 'shop', name: 'web', uid: 'uid-of-web', resourceVersion: '0' }
  await t.rejects(bench.act({ ...planned, confirm: [of] }), /Deployment shop\/web has changed since/)
  t.same(bench.requests, ['GET deployments/web'], 'nothing was written')
  t.match(bench.changed, [{ resourceVersion: '1' }], 'and the next reconcile sees it as it is')
})

test('the history of one workload that is refused leaves out no other', async (t) => {
  const other = { kind: 'StatefulSet', name: 'carts', uid: 'uid-of-carts', previous: v1 }
  const { bench, planned } = recording({ rollout: { workloads: [...rollout.workloads, other] } })
  bench.refuse = (request) => (request === 'PATCH configmaps/web.history' ? final[0] : undefined)
  await bench.act(planned)
  t.ok(bench.requests.includes('PATCH configmaps/carts.history'))
  t.match(
    bench.events.filter(({ reason }) => reason === 'HistoryNotWritten'),
    [{ message: /history of Deployment\/web/ }],
  )
})

for (const error of passing) {
  test(`a history that fails with "${error.message}" is tried again for twenty seconds, then told`, async (t) => {
    const { bench, planned } = recording()
    bench.refuse = (request) => (request.includes('configmaps/web.history') ? error : undefined)
    bench.now = epoch + 19_000
    await t.rejects(bench.act(planned), error)
    t.same(bench.object.status.rollout?.phase, 'Recording')
    bench.now = epoch + 20_000
    await bench.act(planned)
    t.match(bench.object.status, { phase: 'UpToDate', rollout: undefined })
    t.ok(reasons(bench).includes('HistoryNotWritten'))
  })

  test(`a spec.config that fails with "${error.message}" holds nothing up and is tried again`, async (t) => {
    const { bench, planned } = recording()
    bench.refuse = (request) => (request.includes('configmaps/versions') ? error : undefined)
    t.equal(await bench.act(planned), error)
    t.match(bench.object, { status: { phase: 'UpToDate' }, finalizers: ['example.com/theirs'] })
  })
}

test('an event that fails is reported for another try, and one that is refused is not', async (t) => {
  const { bench, planned } = recording()
  const throttled = new ApiError(429, 'TooManyRequests', 'try again')
  bench.refuse = (request) => (request === 'POST events' ? throttled : undefined)
  t.equal(await bench.act(planned), throttled)
  t.match(bench.object.status, { phase: 'UpToDate' })

  const other = recording()
  other.bench.refuse = (request) =>
    request === 'POST events' ? new ApiError(403, 'Forbidden', 'events is forbidden') : undefined
  t.equal(await other.bench.act(other.planned), undefined)
})

test('the events of an unchanged status cost no request, until one of them fails', async (t) => {
  const { bench, planned } = recording()
  await bench.act(planned)
  const again = () =>
    bench.act(plan(observation({ object: bench.object, offer: offers('v2'), workloads: [workload('web', v2)] })))
  await again()
  const written = posts(bench)
  await again()
  t.equal(posts(bench), written)
  bench.restart()
  await again()
  t.equal(posts(bench), written + 4, 'after a restart: two events, each on the object and on its workload')
})

test('a status that was written, though its answer was lost, gets its events', async (t) => {
  const { bench, planned } = recording()
  const next = (status = bench.object.status) =>
    plan(observation({ object: { ...bench.object, status }, offer: offers('v2'), workloads: [workload('web', v2)] }))
  const written = next(planned.record?.status).status
  bench.refuse = (request) => {
    if (request !== 'PUT containerversions/web-cv/status' || !bench.writes.includes('PATCH configmaps/web.history'))
      return undefined
    const { key: _, spec, status: _before, ...metadata } = bench.object
    bench.put('containerversions/web-cv', { metadata, spec, status: written })
    return new TransientError('ApiServerUnavailable', 'no answer in time')
  }
  await t.rejects(bench.act(planned), /no answer in time/)
  t.notOk(reasons(bench).includes('RolloutSucceeded'))
  bench.refuse = () => undefined
  await bench.act(next())
  t.ok(reasons(bench).includes('RolloutSucceeded'), `${reasons(bench)}`)
})

test('a status that is refused for good is told; a deleted ContainerVersion is let go without it', async (t) => {
  const refused = new ApiError(422, 'Invalid', 'status.phase: Unsupported value')
  const refuse = (request: string) => (request.startsWith('PUT') ? refused : undefined)
  const { bench, planned } = recording()
  bench.refuse = refuse
  await t.rejects(bench.act(planned), refused)
  t.match(bench.events, [{ type: 'Warning', reason: 'StatusNotWritten', message: /shop\/web-cv.*Unsupported value/ }])

  const deleted = recording({ deleting: true, rollout: { outcome: 'Aborted' } })
  deleted.bench.refuse = refuse
  await deleted.bench.act(deleted.planned)
  t.same(deleted.bench.object.finalizers, ['example.com/theirs'])
})

test('a deleted ContainerVersion that is gone before the watch says so is no failure', async (t) => {
  const { bench, planned } = recording({ deleting: true, rollout: { outcome: 'Aborted' } })
  const gone = new ApiError(404, 'NotFound', 'containerversions.cvmanager.io "web-cv" not found')
  bench.refuse = (request) => (request === 'PATCH containerversions/web-cv' ? gone : undefined)
  t.equal(await bench.act(planned), undefined)
})

test('a workload whose ownership cannot be given up, and a pod that cannot be deleted, hold nothing up', async (t) => {
  const refused = new ApiError(400, 'BadRequest', 'denied')
  const applied = { ...workload('web', v1), mustDisown: true }
  const before = object({}, { config })
  const bench = new Bench(before)
  bench.refuse = (request) => (request.includes('deployments') ? refused : undefined)
  const planned = plan(observation({ object: before, offer: offers('v1'), workloads: [applied] }))
  await bench.act(planned)
  t.same(reasons(bench), ['OwnershipNotGivenUp', 'Adopted'])
  t.equal(bench.writes.at(-1), 'PATCH configmaps/versions')

  const blocker = { namespace: 'shop', name: 'web-0', uid: 'uid-of-pod' }
  const blocked = { ...workload('web', v2, { state: 'waiting', reason: 'x' }), blockers: [blocker] }
  const rolling = new Bench(object({ rollout: { ...rollout, phase: 'RollingOut' } }))
  rolling.refuse = (request) => (request.startsWith('DELETE') ? refused : undefined)
  t.equal(
    await rolling.act(plan(observation({ object: rolling.object, offer: offers('v2'), workloads: [blocked] }))),
    undefined,
  )
  t.match(rolling.events, [{ reason: 'PodNotReplaced', message: /pod web-0 .*denied/ }])
})

const raw = (resourceVersion: string, containers = v2) => ({
  metadata: { name: 'web', namespace: 'shop', uid: 'uid-of-web', resourceVersion, generation: 1 },
  spec: { replicas: 1, selector: {}, template: { metadata: {}, spec: { containers: structuredClone(containers) } } },
})

test('after a conflict the object is read again: the watch may be late', async (t) => {
  const conflict = new ApiError(409, 'Conflict', 'the object has been modified')
  const bench = new Bench(object())
  bench.put('deployments/web', raw('7'))
  bench.refuse = (request) => (request === 'PATCH deployments/web' ? conflict : undefined)
  const planned = plan(observation({ object: bench.object, offer: offers('v2'), workloads: [workload('web', v1)] }))
  await t.rejects(bench.act(planned), conflict)
  t.match(bench.changed, [{ resourceVersion: '7' }])

  const other = new Bench(object())
  other.refuse = (request) => (request.startsWith('PUT') ? conflict : undefined)
  await t.rejects(other.act(planned), conflict)
  t.equal(other.requests.at(-1), 'GET containerversions/web-cv')
})

test('a conflict with a change that does not matter, such as of an autoscaler, is followed by the same patch at once', async (t) => {
  const conflict = new ApiError(409, 'Conflict', 'the object has been modified')
  const bench = new Bench(object())
  bench.put('deployments/web', raw('7', v1))
  let conflicts = 2
  bench.refuse = (request) => (request === 'PATCH deployments/web' && conflicts-- > 0 ? conflict : undefined)
  const planned = plan(observation({ object: bench.object, offer: offers('v2'), workloads: [workload('web', v1)] }))
  await bench.act(planned)
  t.same(bench.requests.slice(-5), [
    'PATCH deployments/web',
    'GET deployments/web',
    'PATCH deployments/web',
    'GET deployments/web',
    'PATCH deployments/web',
  ])
})

test('a version that ran already is not rolled out again on an old view of its workloads', async (t) => {
  const { digest } = version('v2')
  const bench = new Bench(
    object({ current: { digest, version: 'v2', image: imageOf('v2'), since: rollout.startTime } }),
  )
  bench.put('deployments/web', raw('7'))
  const planned = plan(observation({ object: bench.object, offer: offers('v2'), workloads: [workload('web', v1)] }))
  t.ok(isConflict(await bench.act(planned).catch((thrown: unknown) => thrown)))
  t.same(bench.writes, [], 'nothing is written')
  t.match(bench.changed, [{ resourceVersion: '7' }])

  bench.put('deployments/web', raw('1'))
  await bench.act(planned)
  t.ok(bench.writes.includes('PATCH deployments/web'), 'but if somebody has set the image back, it is')
})

test('no image is patched on an old view of the ContainerVersion', async (t) => {
  const bench = new Bench({ ...object(), finalizers: [finalizer] })
  bench.put('deployments/web', raw('1'))
  const first = plan(observation({ object: bench.object, offer: offers('v2'), workloads: [workload('web', v1)] }))
  await bench.act(first)
  const seen = bench.object
  const again = plan(observation({ object: seen, offer: offers('v2'), workloads: [workload('web', v1)] }))
  bench.requests.length = 0
  await bench.act(again, seen)
  t.same(bench.requests, ['GET containerversions/web-cv', 'PATCH deployments/web'], 'its status was written before')
  t.ok(isConflict(await bench.act(again, { ...seen, resourceVersion: '0' }).catch((thrown: unknown) => thrown)))
})

test('what the API server has answered to a patch is kept for the status, until a patch goes through', async (t) => {
  for (const error of [...final, ...passing]) {
    const bench = new Bench(object())
    const planned = () =>
      plan(observation({ object: bench.object, offer: offers('v2'), workloads: [workload('web', v1)] }))
    bench.refuse = (request) => (request === 'PATCH deployments/web' ? error : undefined)
    await bench.act(planned()).catch(() => undefined)
    const isAnswer = error instanceof ApiError && ![404, 409].includes(error.status)
    const kept = isAnswer ? [['uid-of-web', error.message]] : undefined
    const refused = bench.refused.get('shop/web-cv')
    t.same(refused && [...refused], kept, error.message)
    const { status } = plan(
      observation({ object: bench.object, offer: offers('v2'), workloads: [workload('web', v1)], refused }),
    )
    if (kept)
      t.match(status.message, `the API server refuses the change of Deployment/web: ${error.message}. It has until`)
    bench.refuse = () => undefined
    await bench.act(planned()).catch(() => undefined)
    t.notOk(bench.refused.has('shop/web-cv'))
  }
})
