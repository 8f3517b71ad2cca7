import { test } from 'tap'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import { epoch, object, rollingOut } from '../plan/plan.fixture.ts'
import { running, sourcesWith } from '../verifiers/verifier.fixture.ts'
import { checkSeen } from './checks.ts'

const pods = '/api/v1/namespaces/shop/pods'
const verify = [{ kind: 'Image', name: 'smoke', image: 'shop/smoke', tag: 'v1' }] as const
const settings = { timeoutSeconds: 900, strategy: { kind: 'Simple' }, verify } as const
const checked = (given: Partial<RolloutStatus> = {}) =>
  object({ rollout: { ...rollingOut(), settings, checks: [running()], ...given } })

async function seen(subject = checked(), listed: unknown = { items: [] }, thrown?: NeedsChangeError | TransientError) {
  const images = thrown && { images: { digestOf: () => Promise.reject(thrown) } }
  const { sources, reads } = sourcesWith({ [pods]: listed }, images)
  return { sight: await checkSeen(sources, subject, [], epoch), reads }
}

test('an object without a check that runs costs no request', async (t) => {
  const pending = checked({ checks: [running({ state: 'Pending' }), running({ state: 'Passed' })] })
  for (const subject of [object(), object({ rollout: rollingOut() }), pending, checked({ phase: 'RollingBack' })])
    t.same(await seen(subject), { sight: undefined, reads: [] })
})

test('the check that runs is read for, with one list', async (t) => {
  const { sight, reads } = await seen()
  t.match(sight, { sight: 'pod', pod: undefined, wanted: { kind: 'Pod' } })
  t.same(reads, [pods])
})

test('the spec of the rollout counts, whatever the spec of the object says now', async (t) => {
  const changed = { ...checked(), spec: { ...object().spec, container: { verify: [] } } }
  t.match((await seen(changed)).sight, { sight: 'pod' })
})

test('what only a change helps cannot be run; what may pass is waited for; an API server that is away is neither', async (t) => {
  const missing = new NeedsChangeError('TagNotFound', 'there is no tag v1')
  t.same((await seen(checked(), undefined, missing)).sight, { sight: 'unavailable', message: 'there is no tag v1' })
  const away = new TransientError('RegistryUnavailable', 'the registry is down')
  t.same((await seen(checked(), undefined, away)).sight, { sight: 'waiting', message: 'the registry is down' })
  const forbidden = new ApiError(403, 'Forbidden', 'it may not list pods')
  t.same((await seen(checked(), forbidden)).sight, { sight: 'unavailable', message: 'it may not list pods' })
  await t.rejects(seen(checked(), new TransientError('ApiServerUnavailable', 'no answer')), { message: 'no answer' })
  await t.rejects(seen(checked(), new ApiError(500, 'InternalError', 'etcd')), { message: 'etcd' })
})
