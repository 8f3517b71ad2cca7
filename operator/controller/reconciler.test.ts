import { test } from 'tap'
import type { RolloutStatus } from '../api/status.ts'
import { epoch, imageOf, object, version } from '../rollouts/plan/plan.fixture.ts'
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
  t.same(await afterFailure(undefined, epoch), [])
})
