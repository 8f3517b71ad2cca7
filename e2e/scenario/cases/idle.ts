import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { writeVerbs } from '../../harness/audit.ts'
import { type Bed, operatorUser } from '../bed.ts'
import { v1 } from '../builds.ts'
import { containerVersion, workload } from '../manifests.ts'
import { emptyWorld } from '../scenario.ts'

const seconds = 16

/** Nothing changes: three ContainerVersions, two of which follow one tag. */
export async function idle(t: Test, bed: Bed): Promise<void> {
  const world = await emptyWorld(t, bed)
  const operator = await bed.operator({ flags: ['--watch-namespace', world.namespace] })
  await operator.isAtWork()
  await world.ciMoves('env-prod', v1)
  await world.ciMoves('env-test', v1)
  const followed = [
    ['web', 'env-prod'],
    ['worker', 'env-prod'],
    ['test', 'env-test'],
  ] as const
  const { namespace, repository: imageRepo } = world
  for (const [name, tag] of followed) {
    const labels = { cvapp: name }
    await world.makes(
      workload({ kind: 'Deployment', name, namespace, image: world.imageOf(v1), labels, replicas: 1 }),
      containerVersion(`${name}-cv`, namespace, { imageRepo, tag, pollIntervalSeconds: 5, selector: labels }),
    )
  }
  for (const [name] of followed) await world.runs(v1, `${name}-cv`)
  await world.waitsFor('all pods to be ready', () =>
    followed.every(([name]) => world.now('Deployment', name)?.ready === 1),
  )
  await sleep(1_000)

  const since = Date.now()
  await sleep(seconds * 1_000)
  const until = Date.now()
  const requests = await bed.cluster.auditLog({ user: operatorUser, since })
  const writes = requests.filter(({ verb }) => (writeVerbs as readonly string[]).includes(verb))
  t.same(
    [...new Set(writes.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`))],
    ['update leases'],
    'R17 it writes only the lease',
  )
  t.ok(requests.length <= seconds, `at most one request a second: ${requests.length} in ${seconds} s`)

  for (const tag of ['env-prod', 'env-test']) {
    const polls = bed.registry.requests.filter(({ path }) => path === `/v2/${world.path}/manifests/${tag}`)
    const regular = polls.filter(({ at }) => at > since && at < until)
    t.ok(regular.length >= 2, `${tag} is followed`)
    // An interval of 5 s, two percent of drift, and polls that fall on half seconds; one may come late.
    t.ok(
      regular.length <= 2 + (until - since) / 4_400,
      `${tag} is polled once per interval, however many follow it: ${regular.map(({ at }) => at - since)}`,
    )
    t.ok(
      polls.slice(2).every(({ method }) => method === 'HEAD'),
      'by HEAD',
    )
  }

  await t.test('B23 it stops gracefully within 3 s of SIGINT, and releases the lease', async (t) => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/cvmanager/leases/cvmanager'
    // On a busy machine, the API server is slow to answer the few requests that a stop needs.
    const began = performance.now()
    await bed.client.get(path)
    const took = await operator.stop('SIGINT')
    await bed.client.get(path)
    const ofTheServer = performance.now() - began - took
    t.ok(took < 3_000 + 4 * ofTheServer, `${Math.round(took)} ms; two bare requests ${Math.round(ofTheServer)} ms`)
    t.equal(operator.program.outcome, 'ended with status 0')
    const lease = await bed.client.get<{ spec: { holderIdentity?: string } }>(
      '/apis/coordination.k8s.io/v1/namespaces/cvmanager/leases/cvmanager',
    )
    t.notOk(lease.spec.holderIdentity, 'no holder')
  })

  await t.test(
    'R14 a namespace with ContainerVersions can be deleted within 30 s even when cvmanager is gone',
    async (t) => {
      await bed.cluster.kubectl('delete', 'namespace', namespace, '--timeout=30s')
      t.notOk(world.now('ContainerVersion', 'web-cv'))
    },
  )
}
