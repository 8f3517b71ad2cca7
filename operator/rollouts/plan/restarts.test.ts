import { test } from 'tap'
import type { Health } from '../workloads/workload.ts'
import { imageOf, object, observation, offers, workload } from './plan.fixture.ts'
import { plan } from './plan.ts'

test('restarts of a Pod count from when an image begins: at the start, at a replacement, and at a rollback', async (t) => {
  const pod = (version: string, restarts: number, health?: Health) => ({
    ...workload('web', [{ name: 'web', image: imageOf(version) }], health),
    restarts,
  })
  const started = plan(observation({ object: object(), workloads: [pod('v1', 7)], offer: offers('v2') })).status
  t.match(started.rollout?.workloads, [{ restartsBefore: 7 }])
  const going = { object: object(started), workloads: [pod('v2', 9)] }
  t.match(plan(observation({ ...going, offer: offers('v2') })).status.rollout?.workloads, [{ restartsBefore: 7 }])
  t.match(plan(observation({ ...going, offer: offers('v3') })).status.rollout?.workloads, [{ restartsBefore: 9 }])
  const workloads = [pod('v2', 10, { state: 'stuck', reason: 'it crashes' })]
  const back = plan(observation({ ...going, workloads, offer: offers('v2') })).status
  t.match(back.rollout, { phase: 'RollingBack', workloads: [{ restartsBefore: 10 }] })
})
