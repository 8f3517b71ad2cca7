/** The annotation `cvmanager.io/reconcile`. */
import { test } from 'tap'
import type { ContainerVersionStatus } from '../api/status.ts'
import type { Offer, Target } from '../discovery/target.ts'
import { NeedsChangeError } from '../errors.ts'
import { imageOf, object, observation, offers, rollingOut, workload } from '../rollouts/plan/plan.fixture.ts'
import { Reconciler, type ReconcilerOptions } from './reconciler.ts'

interface Given {
  readonly request: string | undefined
  readonly status?: ContainerVersionStatus
  /** The request that a poll has answered, and what it has found. */
  readonly answered?: string
  readonly offer?: Offer
  readonly credentials?: () => Promise<unknown>
}

const upToDate: ContainerVersionStatus = { phase: 'UpToDate' }

/** Decides about an object whose workload runs v1. */
function deciding() {
  let given: Given = { request: undefined }
  const targets: Target[] = []
  const reads: boolean[] = []
  const reconciler = new Reconciler({
    following: {
      follow: (_key: string, target: Target) => targets.push(target),
      unfollow: () => undefined,
      offer: () => given.offer ?? offers('v1'),
      answeredRequest: () => given.answered,
    },
    index: { workloadsOf: () => [] },
    credentials: {
      credentials: async (_owner: unknown, _workloads: unknown, _repository: unknown, afresh: boolean) => {
        reads.push(afresh)
        return given.credentials?.()
      },
    },
    observer: {
      observe: async (observed: ReturnType<typeof object>, offer: Offer) =>
        observation({
          object: observed,
          offer,
          workloads: [workload('web', [{ name: 'main', image: imageOf('v1') }])],
        }),
    },
    effects: { refused: new Map() },
    clock: { now: () => 0 },
  } as unknown as ReconcilerOptions)
  return async (next: Given) => {
    given = next
    const { plan } = await reconciler.decide({ ...object(next.status ?? upToDate), reconcileRequest: next.request })
    return {
      target: targets.at(-1),
      handled: plan.status.lastHandledReconcileAt,
      status: plan.status,
      afresh: reads.at(-1),
    }
  }
}

test('a new value asks for a poll, and is handled once that poll has answered', async (t) => {
  const decide = deciding()
  t.match(await decide({ request: 'one' }), { target: { request: 'one' }, handled: undefined })
  t.match(await decide({ request: 'one', answered: 'one' }), { handled: 'one', status: { phase: 'UpToDate' } })
})

test('a value that was handled, also by an earlier process, asks for nothing', async (t) => {
  const decide = deciding()
  const status = { ...upToDate, lastHandledReconcileAt: 'one' }
  t.match(await decide({ request: 'one', status }), { target: { request: undefined }, handled: 'one' })
  t.match(await decide({ request: undefined, status }), { target: { request: undefined }, handled: 'one' })
  t.match(await decide({ request: 'two', status }), { target: { request: 'two' }, handled: 'one' })
})

test('a poll that fails handles it, and the status says why', async (t) => {
  const offer: Offer = { state: 'failed', error: new NeedsChangeError('RegistryAccessDenied', 'no entry') }
  const { handled, status } = await deciding()({ request: 'one', answered: 'one', offer })
  t.match({ handled, status }, { handled: 'one', status: { phase: 'Stalled', message: 'no entry' } })
})

test('credentials that cannot be read handle it, too: there is nothing to poll with', async (t) => {
  const credentials = () => Promise.reject(new NeedsChangeError('PullSecretNotFound', 'no secret'))
  const { handled, status } = await deciding()({ request: 'one', credentials })
  t.match({ handled, status }, { handled: 'one', status: { phase: 'Stalled', message: 'no secret' } })
})

test('after a refusal, a new value reads the credentials again, and only once', async (t) => {
  const decide = deciding()
  const offer: Offer = { state: 'failed', error: new NeedsChangeError('RegistryAccessDenied', 'no entry') }
  t.match(await decide({ request: undefined, offer }), { afresh: true })
  t.match(await decide({ request: undefined, offer }), { afresh: false })
  t.match(await decide({ request: 'one', offer }), { afresh: true })
  t.match(await decide({ request: 'one', offer }), { afresh: false })
})

test('it is handled while a rollout is in progress, and the status says what the tag says by then', async (t) => {
  const rollout = { ...rollingOut(), phase: 'RollingBack' as const, outcome: 'RolledBack' as const }
  const { handled, status } = await deciding()({
    request: 'one',
    status: { phase: 'RollingBack', rollout },
    answered: 'one',
    offer: offers('v3'),
  })
  t.equal(handled, 'one')
  t.match(status, { rollout: { version: 'v2' }, observed: { version: 'v3' } })
})
