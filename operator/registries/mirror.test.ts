import t, { type Test } from 'tap'
import { type RegistryOptions, startRegistry } from '../../e2e/harness/registry.ts'
import { account } from '../../e2e/harness/token-server.ts'
import { VersionFinder } from '../discovery/versions/version-finder.ts'
import { systemClock } from '../time/clock.ts'
import { Registries } from './registries.ts'
import { anonymous, type Credentials } from './registry.ts'
import { registryContract } from './testing/contract.ts'
import { made } from './testing/contract-bench.fixture.ts'
import { transportTo } from './testing/peer.ts'

const tenant: Credentials = { kind: 'basic', username: 'tenant', password: 'tenants-own' }
const access = { credentials: anonymous }

async function mirrored(t: Test, options: RegistryOptions = {}, prefix = '') {
  const [origin, mirror] = await Promise.all([startRegistry(), startRegistry(options)])
  t.teardown(() => Promise.all([origin.stop(), mirror.stop()]))
  const transport = transportTo(t, [origin.host, mirror.host], {
    limits: { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 },
    deadlineMs: 500,
  })
  const credentials = () => Promise.resolve<Credentials>(options.auth ? { kind: 'basic', ...account } : anonymous)
  const mirrors = new Map([[origin.host, { host: mirror.host, prefix, credentials }]])
  const registries = new Registries({ transport, clock: systemClock, endpoints: {}, env: {}, mirrors })
  const web = { host: origin.host, path: 'shop/web' }
  return { origin, mirror, web, registry: registries.for(web) }
}

t.test('the contract, through an empty mirror', async (t) => {
  const { origin, registry } = await mirrored(t)
  await registryContract(t, {
    registry,
    host: origin.host,
    credentials: anonymous,
    ...made(origin),
  })
})

t.test("reads go to the mirror only, with the mirror's credentials", async (t) => {
  const { origin, mirror, registry, web } = await mirrored(t, { auth: 'basic' }, 'hub-proxy')
  const { digest } = await mirror.push('hub-proxy/shop/web', ['v1', 'env-prod'], { labels: { made: 'here' } })
  const as = { credentials: tenant }
  t.equal(await registry.resolve(web, 'env-prod', as), digest)
  t.match(await registry.labels(web, digest, as), { made: 'here' })
  const query = { registry, repository: web, tag: 'env-prod', digest, versionSyntax: 'v[0-9]+', access: as }
  t.match(await new VersionFinder().find(query), { name: 'v1', source: 'alias' })
  t.same(origin.requests, [])
})

t.test(
  'when the mirror is down or lacks an image, the registry is asked, and the mirror not for a while',
  async (t) => {
    const { origin, mirror, registry, web } = await mirrored(t)
    const { digest } = await origin.push('shop/web', 'env-prod')
    t.equal(await registry.resolve(web, 'env-prod', access), digest, 'it lacks it')
    t.equal(mirror.count({ method: 'HEAD' }), 1)
    const heal = mirror.faults.inject('hang')
    t.equal(await registry.resolve(web, 'env-prod', access), digest, 'it hangs')
    for (let i = 0; i < 5; i++) t.equal(await registry.resolve(web, 'env-prod', access), digest)
    t.equal(mirror.count({ method: 'HEAD' }), 2, 'its deadline is waited for once')
    heal()
    await origin.goAway()
    const error = await registry.resolve(web, 'env-prod', access).catch((error: unknown) => error)
    t.match(error, { name: 'TransientError', reason: 'RegistryUnavailable' })
  },
)

t.test('when both are down, the message names both', async (t) => {
  const { origin, mirror, registry, web } = await mirrored(t)
  await Promise.all([origin.goAway(), mirror.goAway()])
  const message = new RegExp(
    `${origin.host} cannot be reached.*Its mirror ${mirror.host} failed before: .*ECONNREFUSED`,
  )
  await t.rejects(registry.resolve(web, 'env-prod', access), { name: 'TransientError', message })
})

t.test('tags are added in the registry itself, never in the mirror', async (t) => {
  const { origin, mirror, registry, web } = await mirrored(t)
  const { digest } = await origin.push('shop/web', 'v1')
  t.equal(await registry.tag(web, digest, 'env-prod', access), 'added')
  t.equal(await origin.digestOf('shop/web', 'env-prod'), digest)
  t.equal(mirror.requests.length, 0)
})
