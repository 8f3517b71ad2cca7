/** What a rollout waits for stands in the status, for few writes. */
import fc from 'fast-check'
import { test } from 'tap'
import type { ContainerVersionStatus } from '../../api/status.ts'
import type { Health } from '../workloads/workload.ts'
import { epoch, imageOf, object, observation, offers, workload } from './plan.fixture.ts'
import { plan } from './plan.ts'
import { Simulation } from './simulation.fixture.ts'

const waits = (reason: string): Health => ({ state: 'waiting', reason })
const waitsForQuota: Health = {
  state: 'waiting',
  reason: '1 of 3 pods updated; it is refused: exceeded quota',
  because: 'Quota',
}

/** A rollout of v2, whose only workload has its image. */
function rolling() {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2' })
  cluster.reconcile()
  let { status } = cluster.object
  const writes: ContainerVersionStatus[] = []
  /** Reconciles so many seconds after the start. */
  const at = (seconds: number, health: Health): ContainerVersionStatus => {
    const web = workload('web-0', [{ name: 'web', image: imageOf('v2') }], health)
    const given = { object: object(status), offer: offers('v2'), workloads: [web] }
    const after = plan(observation({ ...given, now: epoch + seconds * 1000 })).status
    if (JSON.stringify(after) !== JSON.stringify(status)) writes.push(after)
    status = after
    return status
  }
  return { at, writes }
}

const readyOf = ({ conditions }: ContainerVersionStatus) => conditions?.find(({ type }) => type === 'Ready')

test('the message of a rollout says how far it is and what it waits for, and so does the condition', async (t) => {
  const { at, writes } = rolling()
  const slow =
    '2 of 3 pods updated, 1 ready: container web of pod web-1 runs since 2026-01-02T03:04:10Z, and is not ready'
  t.match(at(2, waits(slow)).message, /^rolling out v2 to Deployment\/web-0, until /)
  t.equal(writes.length, 0, 'a rollout that takes some seconds writes no progress')
  const status = at(6, waits(slow))
  const message = `rolling out v2: Deployment/web-0: ${slow}`
  t.match(status, { phase: 'RollingOut', message: `${message}. It has until 2026-01-02T03:19:05Z.` })
  t.match(readyOf(status), { reason: 'RollingOut', message })
  at(60, waits(slow))
  t.equal(writes.length, 1, 'the same is not written again')
})

test('pods that the API server refuses are told at once, and no longer than they are', async (t) => {
  const { at } = rolling()
  const refused = at(1, waitsForQuota)
  t.match(
    refused.message,
    /^rolling out v2: Deployment\/web-0: 1 of 3 pods updated; it is refused: exceeded quota\. It has until/,
  )
  t.match(readyOf(refused), { reason: 'PodsRefused' })
  const later = at(3, waits('2 of 3 pods updated, 1 ready'))
  t.match(later.message, /2 of 3 pods updated, 1 ready\. It has until/)
  t.match(readyOf(later), { reason: 'RollingOut' })
})

test('a patch that the API server refuses stands in the status, in a rollout and in a rollback', async (t) => {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2', spec: { timeoutSeconds: 30 } })
  for (const each of cluster.workloads) each.refuses = true
  cluster.run(3_000)
  const answer = 'the API server refuses the change of Deployment/web-0: a policy refuses it'
  const { status } = cluster.object
  t.match(status, {
    phase: 'RollingOut',
    message: `rolling out v2: ${answer}. It has until 2026-01-02T03:04:35Z.`,
  })
  t.match(readyOf(status), { reason: 'PatchRefused' })
  cluster.run(40_000)
  t.match(cluster.object.status, {
    phase: 'Stalled',
    rollouts: [{ reason: 'PatchRefused', message: new RegExp(answer) }],
  })

  const back = new Simulation([imageOf('v1')], { offered: 'v2', bad: ['v2'], spec: { timeoutSeconds: 30 } })
  back.reconcile()
  for (const each of back.workloads) each.refuses = true
  back.run(3_000)
  const { message = '' } = back.object.status
  t.match(message, 'putting the previous images of Deployment/web-0 back, since v2 failed: ')
  t.match(message, `. Now ${answer}`)
  for (const each of back.workloads) each.refuses = false
  back.run(10_000)
  t.match(back.object.status, { phase: 'RolledBack', current: { version: 'v1' } })
})

test('a rollout of 15 minutes in which something changes all the time writes its progress some 20 times', async (t) => {
  const { at, writes } = rolling()
  for (let second = 1; second < 900; second += 1) at(second, waits(`${second} of 1000 pods updated`))
  t.ok(writes.length >= 15 && writes.length <= 22, `${writes.length} writes`)
})

test('a message that does not change is never written again, whatever the order of what it waits for', async (t) => {
  const health = fc.constantFrom(waits('a'), waits('b'), waitsForQuota)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), health), { maxLength: 40 }), (steps) => {
      const { at, writes } = rolling()
      let now = 0
      for (const [seconds, each] of steps) {
        now += seconds
        if (now >= 900) return
        at(now, each)
        const before = writes.length
        at(now, each)
        if (writes.length !== before) throw new Error('written twice')
      }
      const messages = writes.map(({ message }) => message)
      if (messages.some((message, index) => message === messages[index - 1])) throw new Error(messages.join('\n'))
    }),
  )
  t.pass()
})

test('a long cause stands in full only in the rollout, and the conditions have one short sentence', async (t) => {
  const cause = `container web of pod web-x exits with 1: ${'panic: '.repeat(120)}the end`
  const { at } = rolling()
  at(2, { state: 'stuck', reason: cause })
  const stuck = at(3, { state: 'stuck', reason: cause })
  t.equal(stuck.phase, 'RollingBack')
  const cluster = new Simulation([imageOf('v1')], { offered: 'v2' })
  cluster.object = object(stuck)
  cluster.settle()
  const { status } = cluster.object
  t.match(status, { phase: 'RolledBack', rollouts: [{ message: `Deployment/web-0: ${cause}` }] })
  const whole = JSON.stringify(status).split('the end').length - 1
  t.equal(whole, 1, 'the whole cause, once')
  for (const { type, message } of status.conditions ?? []) {
    t.ok(message.length <= 201, `${type}: ${message}`)
    t.match(
      message,
      type === 'Progressing' ? /^v2 failed and was rolled back$/ : /^v2 failed and was rolled back: Deployment/,
    )
  }
  t.match(status.message, /panic:…\. It is not tried again until the tag env-prod moves on or the spec changes\.$/)
})
