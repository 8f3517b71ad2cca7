import { test } from 'tap'
import { finalizer } from '../api/names.ts'
import type { RolloutStatus } from '../api/rollout-status.ts'
import { NeedsChangeError, TransientError } from '../errors.ts'
import { ApiError } from '../kubernetes/api-error.ts'
import { epoch, imageOf, object, observation, version, workload } from '../rollouts/plan/plan.fixture.ts'
import { Reconciler, type ReconcilerOptions } from './reconciler.ts'

const second = 1_000

const rollout = (given: Partial<RolloutStatus> = {}): RolloutStatus => ({
  id: 'r1',
  phase: 'RollingOut',
  digest: version('v2').digest,
  version: 'v2',
  image: imageOf('v2'),
  startTime: new Date(epoch).toISOString(),
  deadline: new Date(epoch + 60 * second).toISOString(),
  workloads: [],
  ...given,
})

/** A reconcile that fails in its first request. @returns when the key comes back, in milliseconds from now */
async function afterFailure(given: RolloutStatus | undefined, now: number): Promise<readonly number[]> {
  const requeued: number[] = []
  const failing: Partial<ReconcilerOptions> = {
    objects: { get: () => ({ ...object(given ? { rollout: given } : {}), deleting: true }) } as never,
    following: { unfollow: () => undefined } as never,
    observer: { observe: () => Promise.reject(new Error('the API server is away')) } as never,
    clock: { now: () => now },
    requeueAfter: (_key, milliseconds) => requeued.push(milliseconds),
  }
  const reconciler = new Reconciler(failing as ReconcilerOptions)
  await reconciler.reconcile('shop/web-cv').catch(() => undefined)
  return requeued
}

test('a rollout comes back by its limit even if each reconcile fails, however long the back-off is', async (t) => {
  t.same(await afterFailure(rollout(), epoch + 20 * second), [40 * second], 'by the deadline')
  const back = rollout({ phase: 'RollingBack', rollbackTime: new Date(epoch + 30 * second).toISOString() })
  t.same(await afterFailure(back, epoch + 40 * second), [28 * second], 'by the end of the rollback')
  t.same(await afterFailure(back, epoch + 70 * second), [], 'then with back-off alone')
  const ended = rollout({ phase: 'Recording', endTime: new Date(epoch).toISOString() })
  t.same(await afterFailure(ended, epoch + 5 * second), [15 * second], 'by the end of its wait for the record')
  t.same(await afterFailure(undefined, epoch), [])
})

test('a version without a name is remembered with its hint; that of an earlier release is searched for once more', async (t) => {
  const remembered = async (hint: string | undefined): Promise<unknown> => {
    const { digest } = version('v1')
    const observed = { tag: 'env-prod', digest, version: digest, source: 'digest', firstSeenTime: '', hint } as const
    let target: unknown
    const reconciler = new Reconciler({
      objects: { get: () => object({ observedGeneration: 1, observed } as never) },
      following: {
        follow: (_key: string, given: object) => (target = given),
        offer: () => ({ state: 'unknown' }),
        answeredRequest: () => undefined,
      },
      index: { workloadsOf: () => [] },
      credentials: { credentials: async () => undefined },
      observer: { observe: () => Promise.reject(new Error('no more is needed')) },
    } as unknown as ReconcilerOptions)
    await t.rejects(reconciler.reconcile('shop/web-cv'), { message: 'no more is needed' })
    return target
  }
  t.match(await remembered('it has v1.1.0'), { remembered: { source: 'digest', hint: 'it has v1.1.0' } })
  t.match(await remembered(undefined), { tag: 'env-prod', remembered: undefined })
})

test('after conflicts in a row the key comes back later each time, for ten seconds at most', async (t) => {
  const deleted = { ...object(), finalizers: [finalizer], deleting: true }
  let conflicts = 10
  const finalizerWrite = async () => {
    if (conflicts-- > 0) throw new ApiError(409, 'Conflict', 'the object has been modified')
    return deleted
  }
  const reconciler = new Reconciler({
    objects: { get: () => deleted },
    following: { unfollow: () => undefined },
    observer: { observe: async () => observation({ object: deleted }) },
    effects: {
      writer: { status: async () => deleted, finalizer: finalizerWrite },
      deployedVersion: { write: async () => undefined },
      reported: new Set(),
      refused: new Map(),
    },
    clock: { now: () => epoch },
    requeueAfter: () => undefined,
  } as unknown as ReconcilerOptions)
  const delays: number[] = []
  while (conflicts > 0) delays.push((await reconciler.reconcile('shop/web-cv')).requeueAfterMs ?? 0)
  const bounds = delays.map((_, index) => Math.min(10_000, 100 * 2 ** index))
  t.ok(
    delays.every((delay, index) => delay >= (bounds[index] ?? 0) / 2 && delay <= (bounds[index] ?? 0)),
    `${delays}`,
  )
  await reconciler.reconcile('shop/web-cv')
  conflicts = 1
  t.ok(((await reconciler.reconcile('shop/web-cv')).requeueAfterMs ?? 0) <= 100, 'after a success it begins anew')
})

test('a rollback is carried out since the first answer to its changes, until a request fails', async (t) => {
  const web = workload('web', [{ name: 'web', image: imageOf('v2') }])
  const { kind, name, uid } = web.ref
  const member = { kind, name, uid, previous: [{ name: 'web', image: imageOf('v1') }] }
  const back = object({ rollout: rollout({ phase: 'RollingBack', workloads: [member] }) })
  let answer: Error = new ApiError(409, 'Conflict', 'the object has been modified')
  let now = epoch
  const reconciler = new Reconciler({
    objects: { get: () => back },
    following: { unfollow: () => undefined, offer: () => ({ state: 'unknown' }) },
    observer: { observe: async () => observation({ object: back, members: [web], now }) },
    effects: {
      writer: { status: () => Promise.reject(answer), finalizer: async () => back },
      reported: new Set(),
      refused: new Map(),
    },
    clock: { now: () => now },
    requeueAfter: () => undefined,
    credentials: { credentials: () => Promise.reject(new NeedsChangeError('None', 'no registry is needed')) },
    index: { workloadsOf: () => [] },
  } as unknown as ReconcilerOptions)
  const since = async () => (await reconciler.decide(back)).observation.restoringSince
  t.equal(await since(), undefined)
  for (; now < epoch + 5 * second; now += second) await reconciler.reconcile('shop/web-cv')
  t.equal(await since(), epoch)
  answer = new TransientError('ApiServerUnavailable', 'away')
  await t.rejects(reconciler.reconcile('shop/web-cv'), answer)
  t.equal(await since(), undefined)
})
