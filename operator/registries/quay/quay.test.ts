import t, { type Test } from 'tap'
import { type Registry, startRegistry } from '../../../e2e/harness/registry.ts'
import { VersionFinder } from '../../discovery/versions/version-finder.ts'
import { anonymous } from '../registry.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { quayApi, quayApiOfMany } from './quay.fixture.ts'
import { QuayRegistry } from './quay.ts'

const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
const access = { credentials: anonymous }
const web = { host: 'quay.io', path: 'shop/web' }

/** Quay's own API before the real registry. */
async function quayIo(t: Test, api: (url: URL, program: Registry) => ReturnType<typeof quayApi> = quayApi) {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  let isAway = false
  const server = await peer(t, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://quay')
    return api(url, program).then((own) => {
      if (own === undefined) return response.writeHead(307, { location: `http://${program.host}${request.url}` }).end()
      if (isAway) return response.writeHead(502).end('<html>')
      return response.writeHead(own.status).end(JSON.stringify(own.body))
    })
  })
  const away = (now: boolean) => {
    isAway = now
  }
  const transport = transportTo(t, ['quay.io', program.host], {
    origins: { 'quay.io': `http://${server.host}` },
    limits: fast,
    // A page of the stand-in takes a hundred requests to the registry.
    deadlineMs: 120_000,
  })
  return { program, server, away, registry: new QuayRegistry(transport) }
}

t.test("aliases and push times come from Quay's own list, or else from a search", async (t) => {
  const { program, server, away, registry } = await quayIo(t)
  await program.push(
    'shop/web',
    Array.from({ length: 120 }, (_, i) => `b${i}`),
  )
  const { digest } = await program.push('shop/web', ['v1', 'env-prod'])
  t.same((await registry.aliases(web, digest, access))?.tags.toSorted(), ['env-prod', 'v1'])
  t.equal(server.asked.length, 2, 'two pages')
  const times = new Map<string, number>()
  for await (const page of registry.pushTimes(web, access)) for (const entry of page) times.set(...entry)
  t.equal(times.size, 122)
  t.equal(times.get('b0'), Date.UTC(2026, 0, 1))

  t.equal(await registry.aliases({ host: 'quay.io', path: 'private/web' }, digest, access), undefined)
  away(true)
  t.equal(await registry.aliases(web, digest, access), undefined)
  await t.rejects(registry.pushTimes(web, access)[Symbol.asyncIterator]().next(), {
    name: 'TransientError',
    reason: 'RegistryUnavailable',
  })
})

t.test('of more than 10,000 tags the latest are listed, and an older version is searched for', async (t) => {
  const { program, server, registry } = await quayIo(t, async (url) => quayApiOfMany(url))
  const { digest } = await program.push('shop/web', ['v1', 'env-prod'])
  t.same(await registry.aliases(web, digest, access), { tags: [], isComplete: false })
  t.equal(server.asked.length, 100, 'and no more are read')

  const query = { registry, repository: web, tag: 'env-prod', digest, versionSyntax: 'v[0-9]+', access }
  t.match(await new VersionFinder().find(query), { name: 'v1', source: 'alias' })

  const times = new Map<string, number>()
  const readTimes = async () => {
    for await (const page of registry.pushTimes(web, access)) for (const entry of page) times.set(...entry)
  }
  await t.rejects(readTimes(), {
    name: 'NeedsChangeError',
    reason: 'TooManyTags',
    message: /shop\/web at the registry quay\.io has more than 10000 tags, .* only the 10000 that were pushed last/,
  })
  t.equal(times.size, 10_000)
})
