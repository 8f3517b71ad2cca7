import { test } from 'tap'
import { raw } from './contract.fixture.ts'
import { cronJob } from './cron-job.ts'
import { job } from './job.ts'
import { selects } from './select.ts'
import { needsPods } from './view.ts'

test('a Job is a workload until it has succeeded or failed', async (t) => {
  const found = (...types: string[]) => {
    const conditions = types.map((type) => ({ type, status: 'True' }))
    return selects({ cvapp: 'web' }, job.strip(raw({ status: { conditions } })))
  }
  t.equal(found(), true)
  t.equal(found('Suspended'), true)
  t.equal(found('SuccessCriteriaMet'), true, 'its pods may still run')
  t.equal(found('SuccessCriteriaMet', 'Complete'), false)
  t.equal(found('Failed'), false)
})

test('B51 a CronJob is healthy without pods, and nothing of it is read: its next runs have the image', async (t) => {
  for (const suspend of [false, true]) {
    const object = cronJob.strip(raw({ spec: { suspend } }, cronJob.podTemplate))
    t.match(object, { progress: { state: 'healthy' }, availablePods: 0 })
    t.equal(needsPods(object, object.containers, false), false)
    t.equal(needsPods(object, object.containers, true), false)
  }
})
