import t, { type Test } from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { systemClock } from '../../time/clock.ts'
import { Registries } from '../registries.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { HarborRegistry } from './harbor.ts'

const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
const host = 'harbor.example.com'
const robot: Credentials = { kind: 'basic', username: 'robot$shop+reader', password: 'hunter2-secret' }
const access = { credentials: robot }
const pushed = Date.UTC(2026, 0, 1)

/**
 * Harbor's own API before the real registry, recorded by hand from goharbor/harbor, api/v2.0/swagger.yaml (`getArtifact`,
 * `listArtifacts`): names of repositories are encoded twice there.
 */
async function harborBefore(t: Test) {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  let status = 200
  const server = await peer(t, async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://harbor')
    const match = /^\/api\/v2\.0\/projects\/([^/]+)\/repositories\/([^/]+)\/artifacts(?:\/(.+))?$/.exec(url.pathname)
    if (match === null) {
      return void response.writeHead(307, { location: `http://${program.host}${request.url}` }).end()
    }
    const [, project, name = '', reference] = match
    const basic = `Basic ${Buffer.from('robot$shop+reader:hunter2-secret').toString('base64')}`
    if (request.headers.authorization !== basic || url.searchParams.get('with_tag') !== 'true') {
      return void response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED"}]}')
    }
    if (status !== 200) return void response.writeHead(status).end('{"errors":[]}')
    const path = `${project}/${decodeURIComponent(decodeURIComponent(name))}`
    const artifacts = new Map<string, { name: string; push_time: string }[]>()
    const tags = await program.tags(path).catch(() => [])
    for (const [at, tag] of tags.entries()) {
      const digest = await program.digestOf(path, tag)
      const known = artifacts.get(digest) ?? []
      artifacts.set(digest, [...known, { name: tag, push_time: new Date(pushed + at * 1000).toISOString() }])
    }
    const all = [...artifacts].map(([digest, tags]) => ({ digest, tags, push_time: '2025-12-01T00:00:00.000Z' }))
    if (reference !== undefined) {
      const found = all.find(({ digest }) => digest === reference)
      return void response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(found ?? { errors: [] }))
    }
    const [page, size] = ['page', 'page_size'].map((key) => Number(url.searchParams.get(key))) as [number, number]
    return void response.end(JSON.stringify(all.slice((page - 1) * size, page * size)))
  })
  const answers = (with_: number) => {
    status = with_
  }
  const transport = transportTo(t, [host, program.host], { origins: { [host]: `http://${server.host}` }, limits: fast })
  return { program, server, answers, transport, registry: new HarborRegistry(transport) }
}

t.test('all aliases of an image come in one answer, for repositories of any depth', async (t) => {
  const { program, server, registry } = await harborBefore(t)
  for (const path of ['shop/web', 'shop/team/web/api']) {
    await program.push(path, ['v1'])
    const { digest } = await program.push(path, ['v2', '2.0', 'env-prod'])
    server.asked.length = 0
    t.same((await registry.aliases({ host, path }, digest, access))?.tags.toSorted(), ['2.0', 'env-prod', 'v2'])
    t.equal(server.asked.length, 1)
  }
  t.match(server.asked[0], '/api/v2.0/projects/shop/repositories/team%252Fweb%252Fapi/artifacts/sha256:')
  t.match(server.asked[0], '?with_tag=true&with_label=false Basic ')
})

t.test('push times are those of the tags, page by page', async (t) => {
  const { program, server, registry } = await harborBefore(t)
  for (let i = 0; i < 101; i++)
    await program.push('shop/web', [`b${String(i).padStart(3, '0')}`], { labels: { i: `${i}` } })
  const times = new Map<string, number>()
  for await (const page of registry.pushTimes({ host, path: 'shop/web' }, access)) {
    for (const [tag, time] of page) times.set(tag, time)
  }
  t.equal(times.size, 101)
  t.equal(times.get('b000'), pushed)
  t.equal(times.get('b100'), pushed + 100_000)
  t.same(
    server.asked.map((asked) => /page=\d+/.exec(asked)?.[0]),
    ['page=1', 'page=2'],
  )
})

t.test("without Harbor's own API, tags are searched, and a policy by push time fails with a message", async (t) => {
  const { program, registry, answers, server } = await harborBefore(t)
  const web = { host, path: 'shop/web' }
  const { digest } = await program.push('shop/web', ['v1', 'env-prod'])
  for (const status of [401, 403, 404, 500]) {
    answers(status)
    t.equal(await registry.aliases(web, digest, access), undefined, String(status))
  }
  answers(200)
  t.equal(await registry.aliases(web, digest, { credentials: anonymous }), undefined)
  t.equal(await registry.aliases({ host, path: 'web' }, digest, access), undefined, 'no project, so no Harbor')
  t.equal(await registry.aliases(web, `sha256:${'0'.repeat(64)}`, access), undefined, 'not known there')

  answers(403)
  const times = registry.pushTimes(web, access)[Symbol.asyncIterator]().next()
  const message =
    /refused the credentials for repository shop\/web \(403, asked for the list of artifacts of Harbor's own API\)/
  await t.rejects(times, { reason: 'RegistryAccessDenied', message })
  server.answer = (_, response) => response.end('<html>')
  t.equal(await registry.aliases(web, digest, access), undefined, 'a web page is no answer')
  await t.rejects(registry.pushTimes(web, access)[Symbol.asyncIterator]().next(), {
    message: /no list of artifacts of Harbor's own API in it/,
  })
  server.answer = (request) => request.socket.destroy()
  t.equal(await registry.aliases(web, digest, access), undefined)
})

t.test('only the settings or --provider select Harbor, never the name of a host', async (t) => {
  const deps = { transport: transportTo(t, []), clock: systemClock, endpoints: {}, env: {} }
  const named = new Registries({
    ...deps,
    providers: new Map([
      [host, 'harbor'],
      ['quay.example.com', 'quay'],
    ]),
  })
  const kindOf = (registries: Registries, at: string, provider?: string) =>
    registries.for({ host: at, path: 'shop/web' }, provider).kind
  t.equal(kindOf(named, host), 'harbor')
  t.equal(kindOf(named, `${host}.evil.com`), 'oci')
  t.equal(kindOf(named, 'quay.example.com'), 'quay')
  t.equal(kindOf(named, host, 'oci'), 'oci')
  const plain = new Registries(deps)
  t.equal(kindOf(plain, host), 'oci')
  t.equal(kindOf(plain, host, 'harbor'), 'harbor')
})
