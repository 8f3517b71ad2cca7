import t, { type Test } from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { registryContract } from '../contract.ts'
import { peer, transportTo } from '../peer.ts'
import { anonymous } from '../registry.ts'
import { QuayRegistry } from './quay.ts'

const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
const access = { credentials: anonymous }

/**
 * Quay's own API, recorded by hand from its documentation (docs.quay.io/api/swagger, `listRepoTags`), before the real
 * registry that it is beside.
 */
async function quayIo(t: Test) {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  let isAway = false
  const door = await peer(t, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://quay')
    const [, path] = /^\/api\/v1\/repository\/(.+)\/tag\/$/.exec(url.pathname) ?? []
    if (path === undefined) return response.writeHead(307, { location: `http://${program.host}${request.url}` }).end()
    if (isAway) return response.writeHead(502).end('<html>')
    if (path.startsWith('private/')) return response.writeHead(401).end('{"error_type":"insufficient_scope"}')
    const page = Number(url.searchParams.get('page'))
    const limit = Number(url.searchParams.get('limit'))
    return program.tags(path).then(async (names) => {
      const shown = names.slice((page - 1) * limit, page * limit)
      const tags = await Promise.all(
        shown.map(async (name, at) => ({
          name,
          reversion: false,
          start_ts: 1_767_225_600 + at,
          manifest_digest: await program.digestOf(path, name),
          is_manifest_list: false,
          size: 123_456,
          last_modified: 'Thu, 01 Jan 2026 00:00:00 -0000',
        })),
      )
      response.end(JSON.stringify({ tags, page, has_additional: page * limit < names.length }))
    })
  })
  const away = (now: boolean) => {
    isAway = now
  }
  return { program, door, away }
}

t.test('the contract, over OCI', async (t) => {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  const origins = { 'quay.io': `http://${program.host}` }
  const registry = new QuayRegistry(transportTo(t, ['quay.io'], { origins, limits: fast }))
  // Its own API is not there, so that all tags are searched for.
  const bench = { registry: Object.assign(registry, { aliases: undefined }), host: 'quay.io', credentials: anonymous }
  await registryContract(t, {
    ...bench,
    push: async (path, tags, content) => (await program.push(path, tags, content)).digest,
    moveTag: (path, tag, to) => program.tag(path, to as `sha256:${string}`, tag),
  })
})

t.test('aliases and push times come from its own list, and without it from a search', async (t) => {
  const { program, door, away } = await quayIo(t)
  const transport = transportTo(t, ['quay.io', program.host], {
    origins: { 'quay.io': `http://${door.host}` },
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
  t.equal(door.asked.length, 2, 'two pages')
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
