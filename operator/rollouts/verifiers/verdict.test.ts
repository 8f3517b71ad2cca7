import type { V1ContainerState, V1PodStatus } from '@kubernetes/client-node'
import fc from 'fast-check'
import { test } from 'tap'
import type { Check } from '../../api/checks.ts'
import type { CheckStatus } from '../../api/rollout-status.ts'
import { timestamp } from '../../time/clock.ts'
import { epoch, imageOf, object } from '../plan/plan.fixture.ts'
import { type Case, untilOf } from './case.ts'
import { observePod, podNameOf } from './observe-pod.ts'
import { verdictOf } from './verdict.ts'
import { running, runOf, sourcesWith } from './verifier.fixture.ts'
import type { Sight } from './verifier.ts'

const smoke: Check = {
  kind: 'Image',
  name: 'smoke',
  image: 'registry.example.com/shop/smoke',
  tag: 'v1',
  timeoutSeconds: 60,
}
const migrate: Check = { kind: 'Command', name: 'smoke', command: ['./migrate'], timeoutSeconds: 60 }
const seconds = 1_000
const uid = 'uid-of-pod'
const seenOnce: Partial<CheckStatus> = { pods: [{ name: 'smoke-1', uid }] }

interface Given {
  readonly check?: Check
  readonly status?: Partial<CheckStatus>
  readonly after?: number
  readonly state?: V1ContainerState
  readonly pod?: V1PodStatus
  readonly metadata?: object
  readonly log?: string
  readonly init?: V1ContainerState
  readonly refused?: string
}

/** What becomes of a check whose pod is like this. */
async function judged(given: Given) {
  const { check = smoke, after = 5 * seconds, state, pod = {}, metadata, log, init, refused } = given
  const status = running({ kind: check.kind, ...seenOnce, ...given.status })
  const run = runOf(check, { status, now: epoch + after })
  const name = podNameOf(run)
  const image = check.kind === 'Command' ? imageOf('v2') : 'registry.example.com/shop/smoke:v1'
  const raw = {
    metadata: {
      namespace: 'shop',
      name,
      uid,
      creationTimestamp: timestamp(epoch),
      ownerReferences: [{ uid: object().uid, kind: 'ContainerVersion' }],
      ...metadata,
    },
    spec: {
      nodeName: 'node-0',
      containers: [{ name: 'check', image }],
      ...(init ? { initContainers: [{ name: 'prepare', image: 'busybox:1' }] } : {}),
    },
    status: {
      startTime: timestamp(epoch),
      ...(state ? { containerStatuses: [{ name: 'check', image, restartCount: 0, ready: false, state }] } : {}),
      ...(init ? { initContainerStatuses: [{ name: 'prepare', restartCount: 0, ready: false, state: init }] } : {}),
      ...pod,
    },
  }
  const pods = '/api/v1/namespaces/shop/pods'
  const { sources, reads } = sourcesWith({ [pods]: { items: [raw] }, [`${pods}/${name}/log`]: log })
  const sight = await observePod(run, sources, async () => ({ spec: raw.spec as never }))
  return { ...verdictOf({ check, status, refused, now: run.now }, sight), reads }
}

const exit = (exitCode: number, more: object = {}): V1ContainerState => ({ terminated: { exitCode, ...more } })
const waitsFor = (reason: string, message: string): V1ContainerState => ({ waiting: { reason, message } })
const isRunning: V1ContainerState = { running: { startedAt: new Date(epoch) } }
const notFound = waitsFor('ErrImagePull', 'rpc error: code = NotFound desc = manifest unknown')
const outage = waitsFor('ImagePullBackOff', 'dial tcp 10.0.0.1:443: connection refused')

const cases: readonly [string, Given, Partial<Record<'state', CheckStatus['state']>>, RegExp?][] = [
  ['exit status 0 passes', { state: exit(0) }, { state: 'Passed' }],
  [
    'a pod that has passed while cvmanager was away passes',
    { state: exit(0), after: 9_000 * seconds },
    { state: 'Passed' },
  ],
  [
    'another exit status fails, with the last lines of the log',
    { state: exit(3, { reason: 'Error' }), log: 'one\ntwo\n' },
    { state: 'Failed' },
    /^container check of pod \S+ ends with exit status 3; the last lines of its log: one \| two$/,
  ],
  [
    'the reason is told',
    { state: exit(137, { reason: 'OOMKilled' }) },
    { state: 'Failed' },
    /status 137 \(OOMKilled\)/,
  ],
  [
    'it fails without its log, where that cannot be read',
    { state: exit(1) },
    { state: 'Failed' },
    /exit status 1; .*its log cannot be read: GET/,
  ],
  [
    'an init container that fails fails it',
    { check: migrate, state: waitsFor('PodInitializing', ''), init: exit(1), log: 'no database' },
    { state: 'Failed' },
    /^init container prepare of pod \S+ ends with exit status 1; .*no database$/,
  ],
  ['a pod that runs goes on', { state: isRunning }, { state: 'Running' }],
  [
    'one that still runs at its timeout fails',
    { state: isRunning, after: 60 * seconds, log: 'waiting for peers' },
    { state: 'Failed' },
    /still runs after 60 s, its timeout .*waiting for peers/,
  ],
  [
    'one that the kubelet has ended at its deadline fails',
    { state: exit(137), after: 59 * seconds, pod: { phase: 'Failed', reason: 'DeadlineExceeded' } },
    { state: 'Failed' },
    /still runs after 60 s/,
  ],
  [
    'B38 its own image that cannot be pulled says nothing about the version, and ends it at once',
    { state: notFound },
    { state: 'Error' },
    /container check of pod \S+ is in ErrImagePull: .*manifest unknown/,
  ],
  [
    'B38 the image of the version that cannot be pulled fails it at once',
    { check: migrate, state: notFound },
    { state: 'Failed' },
    /is in ErrImagePull/,
  ],
  [
    'a registry that is down is waited for',
    { check: migrate, state: outage },
    { state: 'Running' },
    /connection refused/,
  ],
  [
    'until its timeout: then it could not be run',
    { check: migrate, state: outage, after: 60 * seconds },
    { state: 'Error' },
    /could not begin by .*connection refused/,
  ],
  [
    'a ConfigMap of the template that is not there says nothing about the version',
    {
      check: migrate,
      state: waitsFor('CreateContainerConfigError', 'configmap "web" not found'),
      after: 59_999 + 10_000,
      status: { since: timestamp(epoch + 9_000) },
    },
    { state: 'Error' },
    /configmap "web" not found/,
  ],
  [
    'a pod that no node takes is waited for, and could not be run in the end',
    { after: 60 * seconds, pod: { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes' }] } },
    { state: 'Error' },
    /could not begin by .*0\/1 nodes/,
  ],
  [
    'a node that is away says nothing about the version',
    { state: isRunning, after: 60 * seconds, pod: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
    { state: 'Error' },
    /the node of pod \S+ is away/,
  ],
  [
    'an evicted pod has not failed: it is made again',
    { state: exit(143), pod: { phase: 'Failed', reason: 'Evicted', message: 'the node was low on memory' } },
    { state: 'Running' },
    /ended before its time \(Evicted: the node was low on memory\), and is made again/,
  ],
  [
    'a pod that somebody deletes has not failed, whatever its exit status',
    { state: exit(143), metadata: { deletionTimestamp: timestamp(epoch) } },
    { state: 'Running' },
    /somebody deletes it/,
  ],
  [
    'the second time it could not be run',
    {
      state: exit(143),
      pod: { phase: 'Failed', reason: 'Evicted' },
      status: {
        pods: [
          { name: 'a', uid: 'a' },
          { name: 'a', uid },
        ],
      },
    },
    { state: 'Error' },
    /was ended before its time: Evicted/,
  ],
]
for (const [name, given, expected, says = /^$/] of cases) {
  test(name, async (t) => {
    const { status } = await judged(given)
    t.match(status, { ...expected, endTime: expected.state === 'Running' ? undefined : String })
    t.match(status.message ?? '', says)
  })
}

test('what others put into the pod says nothing', async (t) => {
  const annotations = { 'kubectl.kubernetes.io/default-container': 'check' }
  const others = [{ name: 'mesh', image: 'mesh:1', restartCount: 0, ready: false, state: exit(1) }]
  const check = { name: 'check', image: 'smoke:v1', restartCount: 0, ready: false, state: exit(0) }
  const seen = (last: object) =>
    judged({ metadata: { annotations }, pod: { containerStatuses: [...others, last] as never, phase: 'Running' } })
  t.match((await seen(check)).status, { state: 'Passed' })
  t.match((await seen({ ...check, state: isRunning })).status, { state: 'Running' })
})

test('the log is read only of a pod that has failed', async (t) => {
  for (const state of [isRunning, exit(0), notFound]) t.equal((await judged({ state })).reads.length, 1)
  t.equal((await judged({ state: exit(1), log: 'x' })).reads.length, 2)
})

test('B37 an evicted pod is deleted by its UID before the next is made', async (t) => {
  const { changes } = await judged({ pod: { phase: 'Failed', reason: 'Evicted' } })
  t.match(changes, [{ change: 'delete', of: { namespace: 'shop', uid }, check: 'smoke' }])
})

const pod = (given: object): Sight => ({ sight: 'pod', name: 'smoke-1', pod: undefined, leftovers: [], ...given })
const wanted = { metadata: { name: 'smoke-1' } }
const given = (status: Partial<CheckStatus> = {}, more: Partial<Case> = {}): Case => {
  return { check: smoke, status: running(status), refused: undefined, now: epoch, ...more }
}

test('B37 a pod is created while there is none, however often the process dies', async (t) => {
  const first = verdictOf(given(), pod({ wanted }))
  t.same(first.changes, [{ change: 'create', object: wanted }])
  t.same(first.status, running(), 'without a write of the status')
  t.same(verdictOf(given(), pod({ wanted })), first)
  const again = verdictOf(given(seenOnce), pod({ wanted }))
  t.same(again.changes, [{ change: 'create', object: wanted }], 'once more if it has disappeared')
  const twice = verdictOf(given({ pods: [...(seenOnce.pods ?? []), { name: 'smoke-1', uid: 'b' }] }), pod({ wanted }))
  t.match(twice, { status: { state: 'Error', message: /disappeared before its end, twice/ }, changes: [] })
})

test('at most one pod lives: that of an earlier check goes first', async (t) => {
  const leftover = { namespace: 'shop', name: 'old', uid: 'old', ended: false }
  const before = verdictOf(given(), pod({ wanted, leftovers: [leftover] }))
  t.match(before.changes, [{ change: 'delete', of: { uid: 'old' } }])
  t.equal(before.changes.length, 1)
  const ended = verdictOf(given(), pod({ wanted, leftovers: [{ ...leftover, ended: true }] }))
  t.match(ended.changes, [{ change: 'delete' }, { change: 'create' }])
  const late = verdictOf(given({}, { now: epoch + 60_000 }), pod({ wanted, leftovers: [leftover] }))
  t.match(late.status, { state: 'Error', message: /waits for pod old of an earlier check to be gone/ })
})

test('what the API server answers to the creation of a pod ends the check', async (t) => {
  const { status, changes } = verdictOf(given({}, { refused: 'exceeded quota' }), pod({ wanted }))
  t.match(status, { state: 'Error', message: 'the API server refuses its pod smoke-1: exceeded quota' })
  t.same(changes, [])
})

test('a check that cannot be run ends; what may pass is waited for until its timeout', async (t) => {
  t.match(verdictOf(given(), { sight: 'unavailable', message: 'no Service' }).status, {
    state: 'Error',
    message: 'no Service',
  })
  const sight: Sight = { sight: 'waiting', message: 'the registry is down' }
  t.match(verdictOf(given(), sight).status, { state: 'Running', message: 'the registry is down' })
  t.match(verdictOf(given({}, { now: epoch + 60_000 }), sight).status, { state: 'Error', message: /registry is down/ })
})

const http: Check = { kind: 'HTTP', http: { service: 'web' }, count: 5, intervalSeconds: 10, failureLimit: 1 }
const tally = (good: number, bad: number, after: number): Sight => {
  return { sight: 'tally', good, bad, measuredAt: epoch + after, message: bad > 0 ? 'it answers 500' : undefined }
}
const measured = (sight: Sight, status: Partial<CheckStatus> = {}, after = 0) =>
  verdictOf(
    { check: http, status: running({ kind: 'HTTP', ...status }), refused: undefined, now: epoch + after },
    sight,
  )

test('a check that measures passes after its count, and fails as soon as too many are bad', async (t) => {
  t.match(measured(tally(4, 1, 0)).status, { state: 'Passed', passes: 4, failures: 1 })
  t.match(measured(tally(1, 2, 0)).status, {
    state: 'Failed',
    message: /^2 of 3 measurements were bad; 1 may be: it answers 500$/,
  })
  t.match(measured(tally(0, 1, 0), { passes: 2, failures: 1 }).status, { state: 'Failed', failures: 2 })
  t.match(measured(tally(1, 0, 0), { passes: 4 }).status, { state: 'Passed', passes: 5 })
  const next = measured(tally(1, 0, 0))
  t.equal(next.lookAgainAt, epoch + 10_000, 'the next after the interval')
  t.same(next.status, running({ kind: 'HTTP' }), 'good ones are counted in memory')
  t.match(
    measured(tally(1, 1, 0)).status,
    { state: 'Running', failures: 1, message: 'it answers 500' },
    'a bad one is written',
  )
  t.match(measured(tally(2, 0, 15_000)).status, { passes: 2, measuredTime: timestamp(epoch + 15_000) })
})

test('there is time for all measurements; a timeout that is too short says nothing about the version', async (t) => {
  const status = running()
  t.equal(untilOf({ check: { kind: 'HTTP', count: 100, intervalSeconds: 10 }, status }), epoch + 1_500_000)
  t.equal(untilOf({ check: { kind: 'Image' }, status }), epoch + 300_000)
  t.equal(untilOf({ check: { kind: 'Image', timeoutSeconds: 0 }, status }), epoch + 300_000, 'as in old manifests')
  const short: Check = { ...http, timeoutSeconds: 10 }
  const late = verdictOf({ check: short, status, refused: undefined, now: epoch + 10_000 }, tally(2, 0, 10_000))
  t.match(late.status, { state: 'Error', message: /only 2 of 5 measurements by its timeout; raise its timeoutSeconds/ })
})

test('a verdict of a thousand measurements is the same however they are written, in few writes', async () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), fc.nat(5), (results, failureLimit) => {
      const check: Check = { ...http, count: results.length, intervalSeconds: 1, failureLimit }
      let status = running({ kind: 'HTTP' })
      let writes = 0
      let [good, bad] = [0, 0]
      for (const [at, isGood] of results.entries()) {
        if (isGood) good += 1
        else bad += 1
        const now = epoch + at * 1000
        const next = verdictOf(
          { check, status, refused: undefined, now },
          { sight: 'tally', good, bad, measuredAt: now, message: bad > 0 ? 'bad' : undefined },
        ).status
        if (next !== status) {
          writes += 1
          ;[good, bad] = [0, 0]
        }
        status = next
        if (status.state !== 'Running') break
      }
      const failures = results.filter((isGood) => !isGood).length
      const allowed = 2 + Math.min(failures, failureLimit + 1) + results.length / 15
      return status.state === (failures > failureLimit ? 'Failed' : 'Passed') && writes <= allowed
    }),
  )
})
