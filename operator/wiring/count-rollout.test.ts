import { test } from 'tap'
import type { Outcome } from '../api/names.ts'
import type { RolloutStatus } from '../api/rollout-status.ts'
import { createMetrics } from '../http/metrics.ts'
import { countRollout } from './count-rollout.ts'

const seen = '2026-01-02T03:04:00Z'
const began = '2026-01-02T03:04:20Z'
const ended = '2026-01-02T03:04:30Z'
const digest = 'sha256:2'

async function counted({ outcome = 'Succeeded' as Outcome, offers = digest, healthy = [] as readonly string[] } = {}) {
  const metrics = createMetrics()
  const lastHealthy = healthy.map((one) => ({ digest: one, version: one, image: `shop/web@${one}` }))
  const observed = { tag: 'env-prod', digest: offers, version: 'v2', source: 'alias', firstSeenTime: seen } as const
  const rollout = { outcome, digest, startTime: began, endTime: ended } as RolloutStatus
  countRollout(metrics, { observed, lastHealthy }, { rollout })
  const page = await metrics.registry.metrics()
  return (name: string) =>
    Number(
      page
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    )
}

test('a new version counts from when it was seen until it is rolled out', async (t) => {
  const value = await counted({ healthy: ['sha256:1'] })
  t.equal(value('cvmanager_rollouts_total{outcome="Succeeded"}'), 1)
  t.equal(value('cvmanager_rollout_duration_seconds_sum{outcome="Succeeded"}'), 10)
  t.equal(value('cvmanager_push_to_rolled_out_seconds_count'), 1)
  t.equal(value('cvmanager_push_to_rolled_out_seconds_sum'), 30)
})

const otherwise = [
  { what: 'a version that failed', given: { outcome: 'RolledBack' } },
  { what: 'a version that was healthy before', given: { healthy: [digest] } },
  { what: 'a version that is not on offer any more', given: { offers: 'sha256:3' } },
] as const

for (const { what, given } of otherwise) {
  test(`${what} has no time from its push`, async (t) => {
    const value = await counted(given)
    t.equal(value('cvmanager_push_to_rolled_out_seconds_count'), 0)
    t.equal(value(`cvmanager_rollouts_total{outcome="${'outcome' in given ? given.outcome : 'Succeeded'}"}`), 1)
  })
}
