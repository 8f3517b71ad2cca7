/** The model can fail: of a run in which all is well, one thing is changed for each invariant. */
import { test } from 'tap'
import type { Evidence } from './evidence.ts'
import {
  after,
  clean,
  containerVersion,
  epoch,
  history,
  imageOf,
  instead,
  life,
  ofCheck,
  ofGreen,
  podOfCheck,
  rolledBack,
  rollingOut,
  runs,
  second,
  service,
  side,
  switched,
  upToDate,
  v1,
  v2,
  v3,
  web,
} from './model.fixture.ts'
import { broken, invariants } from './model.ts'
import type { PodLife } from './pods.ts'

const spoiled: Readonly<Record<string, Partial<Evidence>>> = {
  'the status tells of a rollout before an image is patched': instead(
    ['cvmanager', web(v2), 0],
    ['cvmanager', rollingOut(), 1],
  ),
  'one patch for each workload and rollout': instead(
    ['cvmanager', rollingOut(), 0],
    ['cvmanager', web(v2), 1],
    ['cvmanager', web(v1), 2],
    ['cvmanager', web(v2), 3],
  ),
  'what a person has set is not overwritten without a word': instead(
    ['cvmanager', containerVersion({ phase: 'UpToDate', ...runs(v1) }), -30],
    ['people', web(v3), -1],
    ['cvmanager', rollingOut(), 0],
    ['cvmanager', web(v2), 1],
  ),
  'one switch of a Service for each rollout, and one back': instead(
    ['people', service('blue'), -60],
    ['cvmanager', rollingOut(), 0],
    ['cvmanager', service('green'), 1],
    ['cvmanager', service('blue'), 2],
    ['cvmanager', service('green'), 3],
  ),
  'users get as many ready pods as are wanted': {
    ...switched(),
    lives: [life('a', ofGreen, [0, {}], [1, { isReady: true }]), life('b', ofGreen, [0, {}])],
  },
  'one pod of a check at a time': {
    lives: [life('a', ofCheck, [0, {}], [3, { end: 'Succeeded' }]), life('b', ofCheck, [2, {}])],
  },
  'nothing goes out before its check has passed': {
    isCheckedBefore: true,
    lives: [life('a', ofCheck, [-1, {}], [0, { end: 'Failed', revision: 1 }])],
  },
  'no image that the registry did not serve': { served: new Set([imageOf(v1)]) },
  'what a rollback restores is what was there': instead([
    'cvmanager',
    rollingOut({
      workloads: [
        { kind: 'Deployment', name: 'web', uid: 'uid-of-web', previous: [{ name: 'main', image: imageOf(v3) }] },
      ],
    }),
    0,
  ]),
  'a rollback restores exactly that': instead(
    ['cvmanager', rollingOut(), 0],
    ['cvmanager', web(v2), 1],
    ['cvmanager', rolledBack(), 2],
  ),
  'every rollout ends in time': instead(
    ['cvmanager', rollingOut(), 0],
    ['cvmanager', web(v2), 1],
    ['cvmanager', rollingOut({ phase: 'Recording', outcome: 'Succeeded' }), 21],
  ),
  'one record for each rollout': { end: { ...clean.end, configMaps: [history('Succeeded', 'Succeeded')] } },
  'no rollout without need': after(['cvmanager', rollingOut({ id: 'r2' }), 30]),
  'a version that has failed is not tried again': instead(
    ['cvmanager', rollingOut(), 0],
    ['cvmanager', rolledBack('Failed'), 1],
    ['cvmanager', rollingOut({ id: 'r2' }), 30],
  ),
  'nothing is lost': { tagMoves: [...clean.tagMoves, { at: epoch, build: v3, isGood: true }] },
  'the workloads are one': { end: { ...clean.end, serving: [web(v2), web(v1, 'uid-of-api')] } },
  'the status says what runs': { end: { ...clean.end, serving: [web(v1)] } },
  'nothing is left behind': {
    end: { ...clean.end, containerVersion: { ...upToDate, metadata: { ...upToDate.metadata, finalizers: ['x'] } } },
  },
  'no pod of a check is left behind': {
    end: { ...clean.end, pods: [podOfCheck] },
  },
  'the end is a fixpoint': { afterwards: ['update containerversions/status/web-cv'] },
}

test('a run in which all is well breaks nothing', async (t) => {
  t.same(broken(clean), [])
})

for (const name of Object.keys(invariants)) {
  test(`it is seen that this does not hold: ${name}`, async (t) => {
    const found = broken({ ...clean, ...spoiled[name] })
    t.ok(
      found.some((problem) => problem.startsWith(`${name}: `)),
      `found: ${found.join('; ') || 'nothing'}`,
    )
  })
}

test('time that a rollout was disturbed does not count, and no more than that', async (t) => {
  const late = instead(
    ['cvmanager', rollingOut(), 0],
    ['cvmanager', web(v2), 1],
    ['cvmanager', rollingOut({ phase: 'Recording', outcome: 'Succeeded' }), 25],
  )
  const inTime = (...seconds: readonly (readonly [number, number])[]) => {
    const disturbances = seconds.map(([from, until]) => ({
      what: 'x',
      from: epoch + from * second,
      until: epoch + until * second,
    }))
    return broken({ ...clean, ...late, disturbances }).length === 0
  }
  t.ok(inTime([5, 10.5]))
  t.notOk(inTime([5, 9]))
  t.ok(inTime([2, 5], [7, 10]), 'two of them')
  t.notOk(inTime([5, 9], [5, 9], [6, 8]), 'what happens at the same time counts once')
  t.notOk(inTime([-20, 1], [25, 90]), 'before and after do not count')
})

test('the ready pods of a switch are those of the version, and so are those that were ready a moment ago', async (t) => {
  const holds = (evidence: Partial<Evidence>) =>
    !broken({ ...clean, ...evidence }).some((problem) => problem.startsWith('users get'))
  const ready = (name: string, ...more: readonly (readonly [number, Partial<PodLife['sights'][number]>])[]) =>
    life(name, ofGreen, [-20, {}], [-19, { isReady: true }], ...more)
  const gone = { end: 'gone' } as const
  t.ok(holds({ ...switched(), lives: [ready('a'), ready('b')] }))
  t.notOk(holds({ ...switched(), lives: [ready('a'), { ...ready('b'), images: new Set([imageOf(v1)]) }] }), 'of v1')
  t.notOk(
    holds({ ...switched(), lives: [ready('a'), { ...ready('b'), labels: { color: 'blue' } }] }),
    'of the other side',
  )
  t.ok(holds({ ...switched(), lives: [ready('a'), ready('b', [1, gone])] }), 'gone on the way')
  t.notOk(holds({ ...switched(), lives: [ready('a'), ready('b', [-3, gone])] }), 'gone before')
  t.notOk(holds({ ...switched(['people', side('blue', 3), -10]), lives: [ready('a'), ready('b')] }), 'scaled before')
  t.ok(holds({ ...switched(['people', side('blue', 3), 1]), lives: [ready('a'), ready('b')] }), 'scaled on the way')
})

test('a check may follow another one', async (t) => {
  const first = (end: Partial<PodLife['sights'][number]>) => life('a', ofCheck, [0, {}], [1, end])
  const second = life('b', ofCheck, [2, {}])
  t.same(broken({ ...clean, lives: [first({ end: 'Succeeded' }), second] }), [], 'that has ended')
  t.same(broken({ ...clean, lives: [first({ end: 'gone' }), second] }), [], 'whose pod is gone')
  t.same(broken({ ...clean, lives: [life('a', {}, [0, {}]), second] }), [], 'and what is no check does not matter')
})
