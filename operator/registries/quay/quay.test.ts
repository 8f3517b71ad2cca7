import t, { type Test } from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { anonymous } from '../registry.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { quayApi } from './quay.fixture.ts'
import { QuayRegistry } from './quay.ts'

const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
const access = { credentials: anonymous }

/** Quay's own API before the real registry. */
async function quayIo(t: Test) {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  let isAway = false
  const server = await peer(t, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://quay')
    return quayApi(url, program).then((own) => {
      if (own === undefined) return response.writeHead(307, { location: `http://${program.host}${request.url}` }).end()
      if (isAway) return response.writeHead(502).end('<html>')
      return response.writeHead(own.status).end(JSON.stringify(own.body))
    })
  })
  const away = (now: boolean) => {
    isAway = now
  }
  return { program, server, away }
}

t.test("aliases and push times come from Quay's own list, or else from a search", async (t) => {
  const { program, server, away } = await quayIo(t)
  const transport = transportTo(t, ['quay.io', program.host], {
    origins: { 'quay.io': `http://${server.host}` },
    limits: fast,
  })
  const registry = new QuayRegistry(transport)
  const web = { host: 'quay.io', path: 'shop/web' }
  await program.push(
    'shop/web',
    Array.from({ length: 120 }, (_, i) => `b${i}`),
  )
  const { digest } = await program.push('shop/web', ['v1', 'env-prod'])
  t.same((await registry.aliases(web, digest, access))?.toSorted(), ['env-prod', 'v1'])
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
