import t from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { account } from '../../../e2e/harness/token-server.ts'
import { until } from '../../../e2e/harness/until.ts'
import { OciRegistry } from '../../registries/oci/oci.ts'
import { anonymous, type Credentials } from '../../registries/registry.ts'
import { transportTo } from '../../registries/testing/peer.ts'
import type { Target } from '../target.ts'
import { VersionFinder } from '../versions/version-finder.ts'
import { Poller } from './poller.ts'

const login: Credentials = { kind: 'basic', ...account }

t.test(
  'polling a real registry with tokens takes few requests on one connection, and finds changes within the interval',
  async (t) => {
    const program = await startRegistry({ auth: 'token' })
    t.teardown(() => program.stop())
    const limits = { requestsPerSecond: 1000, burst: 1000, concurrency: 16 }
    const transport = transportTo(t, [program.host], { limits })
    const registry = new OciRegistry(transport)
    const changes: string[] = []
    const poller = new Poller({
      registryFor: () => registry,
      versions: new VersionFinder(),
      queues: transport.queues,
      onChange: (key) => changes.push(key),
    })
    t.teardown(() => poller.stop())
    const target = (i: number): Target => ({
      repository: { host: program.host, path: `shop/app-${i}` },
      tag: 'env-prod',
      credentials: login,
      versionSyntax: 'v[0-9]+',
      intervalSeconds: 1,
    })
    for (let i = 0; i < 10; i++) {
      await program.push(`shop/app-${i}`, ['v1', 'env-prod'])
      poller.follow(`shop/app-${i}`, target(i))
    }
    await until('the first polls', () => changes.length === 10)
    t.match(poller.offer('shop/app-3'), { state: 'known', version: { name: 'v1', source: 'alias' } })

    changes.length = 0
    program.forget()
    await new Promise((resolve) => setTimeout(resolve, 3000))
    t.ok(
      program.count({ method: 'HEAD' }) >= 27 && program.requests.length <= 33,
      `30 polls: ${program.requests.length} requests`,
    )
    t.equal(program.count({ status: 304 }), program.requests.filter(({ status }) => status !== undefined).length)
    t.equal(program.connections, 0, 'on existing connections')
    t.same(changes, [])

    const { digest } = await program.push('shop/app-3', ['v2', 'env-prod'])
    await until('the new version', () => changes.length > 0, 2000)
    t.same(changes, ['shop/app-3'])
    t.same(poller.offer('shop/app-3'), { state: 'known', version: { digest, name: 'v2', source: 'alias' } })

    await program.goAway()
    await until('the failure', () => poller.offer('shop/app-5').state === 'failed', 3000)
    t.match(poller.offer('shop/app-5'), { error: { reason: 'RegistryUnavailable' }, version: { name: 'v1' } })
    await program.comeBack()
    await until('the recovery', () => poller.offer('shop/app-5').state === 'known', 10_000)
  },
)

t.test('polls that a low limit keeps from their interval are reported; polls that fit into it are not', async (t) => {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  const follow = async (requestsPerSecond: number) => {
    const transport = transportTo(t, [program.host], { limits: { requestsPerSecond, burst: 1, concurrency: 16 } })
    const registry = new OciRegistry(transport)
    const missed: string[] = []
    const poller = new Poller({
      registryFor: () => registry,
      versions: { find: async ({ digest }) => ({ digest, name: digest, source: 'digest' }) },
      queues: transport.queues,
      onChange: () => undefined,
      onMissed: (host) => missed.push(host),
    })
    t.teardown(() => poller.stop())
    for (let i = 0; i < 10; i++) {
      const repository = { host: program.host, path: `shop/app-${i}` }
      poller.follow(`${i}`, {
        repository,
        tag: 'env-prod',
        credentials: anonymous,
        versionSyntax: '.*',
        intervalSeconds: 1,
      })
    }
    return missed
  }
  for (let i = 0; i < 10; i++) await program.push(`shop/app-${i}`, ['env-prod'])
  const [tooFew, enough] = await Promise.all([follow(4), follow(40)])
  await until('the report', () => tooFew.length > 0, 10_000)
  t.ok(tooFew.every((host) => host === program.host))
  t.same(enough, [])
})
