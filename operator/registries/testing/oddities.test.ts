import { createServer } from 'node:net'
import t from 'tap'
import { basic } from '../oci/auth/token-request.ts'
import { OciRegistry } from '../oci/oci.ts'
import { anonymous } from '../registry.ts'
import { allTags } from './contract.ts'
import { image, listed, missing, ordinary, serve } from './odd-registry.fixture.ts'
import { login, oddities } from './oddities.fixture.ts'
import { peer, transportTo } from './peer.ts'

for (const { name, report, credentials = anonymous, tags = listed, answer, polls = 1, tokens = 1 } of oddities) {
  t.test(`an odd registry is read: ${name} (${report})`, async (t) => {
    const server = await peer(t, (request, response) => serve((asked) => answer(asked, server.host))(request, response))
    const registry = new OciRegistry(transportTo(t, [server.host]))
    const web = { host: server.host, path: 'shop/web' }
    const access = { credentials }
    t.equal(await registry.resolve(web, 'env-prod', access), image.digest)
    t.same([...new Set(await allTags(registry, web, access))], tags)
    t.match(await registry.describe(web, image.digest, access), { noImage: undefined })

    server.asked.splice(0, server.asked.length, ...server.asked.filter((asked) => asked.startsWith('GET /token')))
    const before = server.asked.length
    t.equal(await registry.resolve(web, 'env-prod', access, image.digest), image.digest)
    t.ok(server.asked.length - before <= polls, `a poll takes ${server.asked.length - before} requests`)
    t.ok(before <= tokens, `${before} token requests`)
  })
}

t.test('a list that is missing or refused is told as such, and the image is read nevertheless', async (t) => {
  // distribution/distribution#4324, podman-container-tools/skopeo#326
  for (const [status, reason, message] of [
    [404, 'TagNotFound', /does not have the list of tags of repository shop\/web/],
    [401, 'RegistryAccessDenied', /\(401, asked for the list of tags\)/],
  ] as const) {
    const server = await peer(
      t,
      serve((asked) => (asked.path.endsWith('/list') ? { status } : ordinary(asked))),
    )
    const registry = new OciRegistry(transportTo(t, [server.host]))
    const web = { host: server.host, path: 'shop/web' }
    const told = { name: 'NeedsChangeError', reason, message }
    await t.rejects(allTags(registry, web, { credentials: login }), told)
    t.equal(await registry.resolve(web, 'env-prod', { credentials: login }), image.digest)
  }
})

t.test('a portal that redirects everything to its own page is not the registry', async (t) => {
  const portal = await peer(t, (_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Hello'),
  )
  const location = `http://${portal.host}/welcome`
  const server = await peer(
    t,
    serve(() => ({ status: 302, headers: { location } })),
  )
  const registry = new OciRegistry(transportTo(t, [server.host, portal.host]))
  const web = { host: server.host, path: 'shop/web' }
  const invalid = {
    name: 'TransientError',
    reason: 'RegistryAnswerInvalid',
    message: /text\/html, "<html>Hello" instead of/,
  }
  await t.rejects(registry.resolve(web, 'env-prod', { credentials: login }), invalid)
  await t.rejects(allTags(registry, web, { credentials: login }), invalid)
  t.notOk(portal.asked.some((asked) => asked.includes('Basic')))
})

t.test(
  'when HEAD works in a repository, a missing tag costs one request, and an open registry is asked for no login',
  async (t) => {
    const server = await peer(t, serve(ordinary))
    const registry = new OciRegistry(transportTo(t, [server.host]))
    const web = { host: server.host, path: 'shop/web' }
    const access = { credentials: login }
    await registry.resolve(web, 'env-prod', access)
    for (const asked of ['HEAD /v2/shop/web/manifests/nowhere,GET /v2/', 'HEAD /v2/shop/web/manifests/nowhere']) {
      server.asked.length = 0
      await t.rejects(registry.resolve(web, 'nowhere', access), { name: 'NeedsChangeError', reason: 'TagNotFound' })
      t.equal(String(server.asked), asked)
    }
  },
)

t.test('a registry whose base is down for a moment does not count as open', async (t) => {
  let isDown = true
  const server = await peer(
    t,
    serve((asked) => {
      if (asked.headers.authorization === basic(login)) return ordinary(asked)
      if (asked.path !== '/v2/') return missing
      return isDown ? { status: 503 } : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
    }),
  )
  const registry = new OciRegistry(transportTo(t, [server.host]))
  const web = { host: server.host, path: 'shop/web' }
  const down = { name: 'TransientError', reason: 'RegistryUnavailable' }
  await t.rejects(registry.resolve(web, 'env-prod', { credentials: login }), down)
  isDown = false
  t.equal(await registry.resolve(web, 'env-prod', { credentials: login }), image.digest)
})

t.test('a list without an end ends with an error', async (t) => {
  let at = 0
  const server = await peer(
    t,
    serve(() => {
      at++
      return { status: 200, headers: { link: `<?last=${at}>; rel="next"` }, body: JSON.stringify({ tags: [`t${at}`] }) }
    }),
  )
  const limits = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
  const registry = new OciRegistry(transportTo(t, [server.host], { limits }))
  const endless = allTags(registry, { host: server.host, path: 'shop/web' }, { credentials: anonymous })
  await t.rejects(endless, { reason: 'RegistryAnswerInvalid', message: /more than 1000 pages/ })
})

t.test('HTTP/1.0 is read, and a connection that closes too early is an error', async (t) => {
  let length = image.bytes.length
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (request) => {
      const isHead = request.toString().startsWith('HEAD')
      const head = `HTTP/1.0 200 OK\r\nContent-Type: ${image.mediaType}\r\n\r\n`
      socket.end(isHead ? head : Buffer.concat([Buffer.from(head), image.bytes.subarray(0, length)]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const registry = new OciRegistry(transportTo(t, [host]))
  const web = { host, path: 'shop/web' }
  t.equal(await registry.resolve(web, 'env-prod', { credentials: anonymous }), image.digest)
  for (length of [0, 1, image.bytes.length - 1]) {
    const cut = { name: 'TransientError', reason: 'RegistryAnswerInvalid', message: /instead of a manifest/ }
    await t.rejects(registry.resolve(web, 'env-prod', { credentials: anonymous }), cut, `${length} bytes`)
  }
})
