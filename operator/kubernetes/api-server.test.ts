/** All cases for a real API server, in one cluster. */
import { test } from 'tap'
import { startCluster } from '../../e2e/harness/cluster.ts'
import { clientCases } from './testing/client.cases.ts'
import { eventCases } from './testing/events.cases.ts'
import { leaseCases } from './testing/lease.cases.ts'
import { listWatchCases, outageCases } from './testing/list-watch.cases.ts'

test('on a real API server', { timeout: 180_000 }, async (t) => {
  const cluster = await startCluster()
  t.teardown(() => cluster.stop())
  await t.test('the client', (t) => clientCases(t, cluster))
  await t.test('events', (t) => eventCases(t, cluster))
  await t.test('leader election', (t) => leaseCases(t, cluster))
  await t.test('list and watch', (t) => listWatchCases(t, cluster))
  await t.test('an outage', (t) => outageCases(t, cluster))
})
