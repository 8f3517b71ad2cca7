import { test } from 'tap'
import type { PastRollout, RolloutStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { object, rollingOut, version } from '../../rollouts/plan/plan.fixture.ts'
import { timestamp } from '../../time/clock.ts'
import { Judge } from './judge.ts'

const later = 60_000
const named = (name: string) => ({ version: name, digest: version(name).digest })
const observed = (name: string): NonNullable<ContainerVersionStatus['observed']> => ({
  ...named(name),
  tag: 'env-prod',
  source: 'alias',
  firstSeenTime: timestamp(0),
})
const current = (name: string) => ({ ...named(name), image: `repo:${name}`, since: timestamp(0) })
const healthy = (name: string) => [{ ...named(name), image: `repo:${name}` }]
const past = (name: string, outcome: PastRollout['outcome'], more: Partial<PastRollout> = {}): PastRollout => ({
  id: `${name} ${outcome}`,
  ...named(name),
  outcome,
  startTime: timestamp(0),
  endTime: timestamp(12_000),
  duration: '12s',
  ...more,
})
const runs = (name: string): ContainerVersionStatus => ({
  phase: 'UpToDate',
  observed: observed(name),
  current: current(name),
  lastHealthy: healthy(name),
})
const inProgress = (name: string, more: Partial<RolloutStatus> = {}): ContainerVersionStatus => ({
  ...runs('v1'),
  phase: 'RollingOut',
  observed: observed(name),
  rollout: { ...rollingOut(), ...named(name), ...more },
  next: { ...named(name), heldBy: 'Rollout' },
})

/** Judges by these statuses, one after another. The request is answered from the second on. */
function judging(wanted: string | undefined, first: ContainerVersionStatus = runs('v1')) {
  const judge = new Judge(object(first), wanted)
  judge.judge(object(first), 0)
  judge.asked('mine')
  return {
    judge,
    sees: (status: ContainerVersionStatus, now = 1_000) =>
      judge.judge({ ...object({ lastHandledReconcileAt: 'mine', ...status }), reconcileRequest: 'mine' }, now),
  }
}

test('without a version, it is what the tag says at the poll, and not before', async (t) => {
  const { judge, sees } = judging(undefined)
  t.equal(sees({ ...runs('v1'), lastHandledReconcileAt: 'earlier' }), undefined)
  t.match(sees(runs('v1')), { result: 'Healthy', ...named('v1'), message: 'runs, and is healthy' })
  t.match(judge.target, named('v1'))
})

test('a rollout is seen to its end', async (t) => {
  const { sees } = judging(undefined)
  t.equal(sees(inProgress('v2')), undefined)
  t.match(sees({ ...runs('v2'), rollouts: [past('v2', 'Succeeded')] }), {
    result: 'Healthy',
    message: 'rolled out and healthy, after 12s',
    rollout: { outcome: 'Succeeded' },
  })
})

test('a request of somebody else that comes after this one answers it as well; one before does not', async (t) => {
  const judge = new Judge(object(runs('v1')), undefined)
  judge.asked('mine')
  const seen = (reconcileRequest: string, lastHandledReconcileAt: string) =>
    judge.judge({ ...object({ ...runs('v1'), lastHandledReconcileAt }), reconcileRequest }, 0)
  t.equal(seen('mine', 'before'), undefined)
  t.equal(seen('theirs', 'before'), undefined)
  t.match(seen('theirs', 'theirs'), { result: 'Healthy' })
})

test('a version by its digest needs no answer, and by its name one: it may have been built anew', async (t) => {
  const { digest } = version('v1')
  for (const wanted of [digest, digest.slice(0, 19)]) {
    t.match(new Judge(object(runs('v1')), wanted).judge(object(runs('v1')), 0), { result: 'Healthy' }, wanted)
  }
  const { judge, sees } = judging('v1')
  t.equal(judge.judge({ ...object(runs('v1')), reconcileRequest: 'mine' }, later), undefined)
  const anew = { ...runs('v1'), observed: { ...observed('v2'), version: 'v1' } as never }
  t.equal(sees(anew), undefined, 'another image has the name now')
})

test('what the tag does not say yet is waited for', async (t) => {
  const { sees } = judging('v2')
  t.equal(sees(runs('v1')), undefined)
  t.equal(sees(runs('v1'), later), undefined)
  t.equal(sees(inProgress('v2'), later), undefined)
  t.match(sees({ ...runs('v2'), rollouts: [past('v2', 'Succeeded')] }, later), { result: 'Healthy' })
})

test('a version that fails says why, which checks, and what was restored', async (t) => {
  const { sees } = judging('v2')
  t.equal(sees(inProgress('v2', { phase: 'RollingBack' })), undefined, 'what is restored is seen to its end')
  const checks = [
    { name: 'smoke', kind: 'Image', step: 'container', state: 'Failed', message: 'line 1\nline 2' },
    { name: 'fine', kind: 'HTTP', step: 'strategy', state: 'Passed' },
  ] as const
  const status: ContainerVersionStatus = {
    ...runs('v1'),
    phase: 'RolledBack',
    observed: observed('v2'),
    rollouts: [past('v2', 'RolledBack', { message: 'check smoke failed', checks: [...checks] })],
    quarantined: [{ ...named('v2'), outcome: 'RolledBack', message: 'in short', since: timestamp(0), generation: 1 }],
    next: { ...named('v2'), heldBy: 'Quarantine' },
  }
  t.same(sees(status), {
    result: 'RolledBack',
    ...named('v2'),
    message: 'check smoke failed',
    rollout: {
      id: 'v2 RolledBack',
      outcome: 'RolledBack',
      startTime: timestamp(0),
      endTime: timestamp(12_000),
      duration: '12s',
    },
    checks: [checks[0]],
    restored: { ...named('v1'), image: 'repo:v1' },
  })
  t.match(judging('v2', status).sees(status), { result: 'RolledBack' }, 'from before, too')
  const left = { ...status, phase: 'Failed', current: current('v2') } as const
  const quarantined = [{ ...status.quarantined?.[0], outcome: 'Failed' }] as never
  const result = judging('v2').sees({ ...left, quarantined, rollouts: [] })
  t.match(result, { result: 'Failed', message: 'in short' })
  t.notHas(result, { restored: Object })
})

test('a version that failed under another spec is a new attempt', async (t) => {
  const status = { ...runs('v1'), observed: observed('v2'), rollouts: [past('v2', 'RolledBack')] }
  const quarantined = [
    { ...named('v2'), outcome: 'RolledBack', message: '', since: timestamp(0), generation: 0 },
  ] as const
  const { sees } = judging('v2', status)
  t.equal(sees({ ...status, quarantined: [...quarantined] }), undefined)
  t.equal(sees(status, later), undefined)
})

test('a newer version that replaces it supersedes it, before and after its rollout began', async (t) => {
  const early = judging('v2')
  t.equal(early.sees({ ...runs('v1'), observed: observed('v2') }), undefined)
  t.match(early.sees({ ...runs('v1'), observed: observed('v3') }), { result: 'Superseded', message: 'replaced by v3' })
  const middle = judging('v2')
  t.equal(middle.sees(inProgress('v2')), undefined)
  t.match(middle.sees({ ...inProgress('v3'), rollouts: [past('v2', 'Superseded')] }), {
    result: 'Superseded',
    ...named('v2'),
    message: 'replaced by v3',
  })
})

test('a newer version that waits for its rollout to end changes nothing', async (t) => {
  const { sees } = judging('v2')
  t.equal(sees(inProgress('v2')), undefined)
  t.equal(sees({ ...inProgress('v2'), observed: observed('v3') }), undefined)
  const after = { ...runs('v2'), observed: observed('v3'), rollouts: [past('v2', 'Succeeded')] }
  t.match(sees(after), { result: 'Healthy', ...named('v2') })
})

test('the rollout had ended, and a newer one too, before it began to wait', async (t) => {
  const status = { ...runs('v3'), rollouts: [past('v3', 'Succeeded'), past('v2', 'Succeeded')] }
  const { sees } = judging('v2', status)
  t.equal(sees(status), undefined, 'the tag may be about to come back')
  t.match(sees(status, later), { result: 'Superseded', message: 'replaced by v3' })
  const failed = { ...status, rollouts: [past('v3', 'Succeeded'), past('v2', 'RolledBack', { message: 'why' })] }
  t.match(judging('v2', failed).sees(failed, 0), undefined)
  const one = judging('v2', failed)
  one.sees(failed, 0)
  t.match(one.sees(failed, later), { result: 'RolledBack', message: 'why' })
  const back = judging('v2', status)
  back.sees(status, 0)
  t.equal(back.sees(inProgress('v2'), later), undefined, 'it came back')
})

test('a gate holds it, and all that hold it are named', async (t) => {
  const held = [
    { by: 'Windows', message: 'opens at nine', until: timestamp(later) },
    { by: 'Approvals', message: 'one more' },
  ]
  const next = { ...named('v2'), heldBy: 'Windows' }
  const status = { ...runs('v1'), phase: 'Pending', observed: observed('v2'), next, held } as const
  t.match(judging('v2').sees(status), { result: 'Held', ...named('v2'), held })
  const { held: _, ...without } = status
  t.match(judging('v2').sees({ ...without, message: 'paused' }), { held: [{ by: 'Windows', message: 'paused' }] })
})

test('what only a change by a person helps against is believed after a while', async (t) => {
  const next = { ...named('v2'), heldBy: 'WorkloadNotFound' }
  const status = { ...runs('v1'), phase: 'Stalled', observed: observed('v2'), next, message: 'no workload' } as const
  const { sees } = judging('v2')
  t.equal(sees(status, 0), undefined, 'the workloads may be on their way')
  t.match(sees(status, later), { result: 'Held', held: [{ by: 'WorkloadNotFound' }] })
  const refused: ContainerVersionStatus = { phase: 'Stalled', message: 'no such tag' }
  const tag = judging(undefined, {})
  t.equal(tag.sees(refused, 0), undefined)
  t.match(tag.sees(refused, later), { result: 'Failed', message: 'no such tag' })
})

test('a version that could not be tried has failed', async (t) => {
  const { sees } = judging('v2')
  const next = { ...named('v2'), heldBy: 'PatchRefused' }
  const rollouts = [past('v2', 'Aborted', { reason: 'PatchRefused', message: 'a webhook' })]
  const status = { ...runs('v1'), phase: 'Stalled', observed: observed('v2'), next, rollouts } as const
  t.match(sees({ ...status, message: 'v2 could not be tried: a webhook' }), { result: 'Failed', message: /could not/ })
})

for (const reason of ['WorkloadPaused', 'PodsToDelete']) {
  test(`a rollout that waits for a person is held: ${reason}`, async (t) => {
    const ready = { type: 'Ready', status: 'False', reason, message: '', lastTransitionTime: '', observedGeneration: 1 }
    const { sees } = judging('v2')
    t.equal(sees(inProgress('v2')), undefined)
    t.match(sees({ ...inProgress('v2'), message: 'do it', conditions: [ready as never] }), {
      result: 'Held',
      held: [{ by: reason, message: 'do it' }],
    })
  })
}

test('a registry that does not answer is waited for: what was known before says nothing', async (t) => {
  const { judge, sees } = judging(undefined)
  t.equal(sees({ ...runs('v1'), phase: 'Unavailable' }, later), undefined)
  t.equal(judge.target, undefined)
  t.match(sees(runs('v1'), later), { result: 'Healthy' })
})

test('a workload that runs it and was never healthy with it is waited for', async (t) => {
  const { sees } = judging(undefined)
  const { lastHealthy: _, ...adopted } = runs('v1')
  t.equal(sees(adopted, later), undefined)
  t.match(sees(runs('v1'), later), { result: 'Healthy' })
})

test('a request that somebody takes off again is not waited for', async (t) => {
  const judge = new Judge(object(runs('v1')), undefined)
  judge.asked('mine')
  t.equal(judge.judge({ ...object(runs('v1')), reconcileRequest: 'mine' }, 0), undefined)
  t.match(judge.judge(object(runs('v1')), 0), { result: 'Healthy' })
})

test('without the right to ask, the status is taken as it is', async (t) => {
  const judge = new Judge(object(runs('v1')), undefined)
  judge.cannotAsk()
  t.match(judge.judge(object(runs('v1')), 0), { result: 'Healthy', ...named('v1') })
})
