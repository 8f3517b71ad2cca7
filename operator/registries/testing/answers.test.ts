import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { makeImage } from '../../../e2e/harness/images.ts'
import { digestOf } from '../../images/digest.ts'
import { OciRegistry } from '../oci/oci.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { allTags } from './contract.ts'
import { peer, transportTo } from './peer.ts'

const access = { credentials: anonymous }
const login: Credentials = { kind: 'basic', username: 'ann', password: 'hunter2' }
const send = (response: ServerResponse, status: number, headers: Record<string, string | string[]> = {}, body = '') =>
  response.writeHead(status, headers).end(body)

async function asking(t: Test, answer: Parameters<typeof peer>[1], others: readonly string[] = []) {
  const server = await peer(t, answer)
  const registry = new OciRegistry(transportTo(t, [server.host, ...others]))
  return { server, registry, web: { host: server.host, path: 'shop/web' } }
}

t.test('without a digest in the headers, the manifest is read once and its digest computed', async (t) => {
  const [manifest] = makeImage({}).manifests
  const { registry, web, server } = await asking(t, (_, response) =>
    send(response, 200, {}, manifest?.bytes.toString()),
  )
  t.equal(await registry.resolve(web, 'env-prod', access), manifest?.digest)
  t.same(server.asked, ['HEAD /v2/shop/web/manifests/env-prod', 'GET /v2/shop/web/manifests/env-prod'])
})

t.test('304 is valid only for a conditional request', async (t) => {
  const { registry, web } = await asking(t, (_, response) => send(response, 304))
  await t.rejects(registry.resolve(web, 'env-prod', access), { name: 'TransientError', message: /status 304/ })
})

t.test('of links to the next page only the query is followed, within the listing', async (t) => {
  let link = ''
  const { registry, web, server } = await asking(t, (request, response) =>
    request.url?.includes('last=') === true
      ? send(response, 200, {}, '{"tags":["b",7,"not a tag"]}')
      : send(response, 200, { link }, '{"tags":["a"]}'),
  )
  link = '</v2/shop/web/tags/list?last=a&n=1>; rel="next"'
  t.same(await allTags(registry, web, access), ['a', 'b'])
  link = `<https://${server.host}/v2/shop/web/tags/list?last=a>; rel="next"`
  t.same(await allTags(registry, web, access), ['a', 'b'], 'whatever scheme it believes to be reached by')
  for (const elsewhere of [
    'http://example.com/v2/shop/web/tags/list',
    'http://example.com/hub/v2/shop/web/tags/list?last=a',
    '/v2/other/tags/list?last=a',
    '/v2/shop/web/tags/list?n=1000',
    '::',
  ]) {
    link = `<${elsewhere}>; rel="next"`
    server.asked.length = 0
    t.same(await allTags(registry, web, access), ['a', 'b'], elsewhere)
    t.ok(
      server.asked.every((asked) => asked.startsWith('GET /v2/shop/web/tags/list?')),
      elsewhere,
    )
  }
})

t.test('content that does not match its digest is an error', async (t) => {
  const { registry, web } = await asking(t, (_, response) => send(response, 200, {}, '{}'))
  const digest = digestOf(Buffer.from('something else'))
  await t.rejects(registry.labels(web, digest, access), {
    name: 'TransientError',
    message: /does not have that digest/,
  })
})

t.test('a redirect is followed, and does not take the credentials to another origin', async (t) => {
  const storage = await peer(t, (_, response) =>
    send(response, 200, { 'docker-content-digest': digestOf(Buffer.from('x')) }),
  )
  const { registry, web } = await asking(t, (request, response) => {
    if (request.headers.authorization === undefined)
      return send(response, 401, { 'www-authenticate': 'Basic realm="x"' })
    return send(response, 307, { location: `http://${storage.host}/elsewhere?signed=1` })
  })
  t.equal(await registry.resolve(web, 'env-prod', { credentials: login }), digestOf(Buffer.from('x')))
  t.same(storage.asked, ['HEAD /elsewhere?signed=1'])
})

t.test('unsafe redirects are refused', async (t) => {
  let location = ''
  const { registry, web, server } = await asking(t, (_, response) => send(response, 307, { location }))
  const cases = [
    [`http://${server.host}/round`, /more than 3 redirects/],
    ['http://user:password@example.com/', /carries a user/],
    ['ftp://example.com/', /redirect from http: to ftp:/],
    ['http://', /without a valid Location/],
    ['http://169.254.169.254/latest/meta-data', /169\.254\.169\.254 is an address that is not allowed/],
    ['http://localhost:1/', /localhost is at an address that is not allowed/],
  ] as const
  for (const [to, message] of cases) {
    location = to
    await t.rejects(registry.resolve(web, 'env-prod', access), { name: /Error/, message }, to)
  }
})

t.test('an unsafe token realm gets no credentials, and its redirects are not followed', async (t) => {
  let realm = ''
  const { registry, web, server } = await asking(t, (request, response) => {
    if (request.url?.startsWith('/moved') === true)
      return send(response, 302, { location: `http://${server.host}/token` })
    return send(response, 401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` })
  })
  const cases = [
    ['file:///etc/passwd', /not a plain http\(s\) address/],
    ['http://user@example.com/', /not a plain http\(s\) address/],
    ['http://169.254.169.254/token', /names 169\.254\.169\.254 as its token service .* which is another site/],
    ['https://login.example.net/token', /--auth-host 127\.0\.0\.1:\d+=login\.example\.net/],
    [`http://${server.host}/moved`, /redirect \(302\) of the token request/],
  ] as const
  for (const [named, message] of cases) {
    realm = named
    await t.rejects(registry.resolve(web, 'env-prod', { credentials: login }), { name: /Error/, message }, named)
  }
  t.notOk(server.asked.some((asked) => asked.startsWith('GET /token')))
})

t.test('a registry that throttles is not asked until the time that it names', async (t) => {
  const { registry, web, server } = await asking(t, (_, response) => send(response, 429, { 'retry-after': ['5', '6'] }))
  await t.rejects(registry.resolve(web, 'env-prod', access), { name: 'TransientError', message: /\(429\)/ })
  await t.rejects(registry.resolve(web, 'env-prod', access), { name: 'TransientError', message: /\(429\)/ })
  t.equal(server.asked.length, 1)
})

t.test('an identity token is exchanged by POST, and no secret is in the URL', async (t) => {
  let body = ''
  const { registry, web, server } = await asking(t, (request, response) => {
    if (request.url === '/token') {
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => send(response, 200, {}, '{"access_token":"t","expires_in":300}'))
    } else if (request.headers.authorization === 'Bearer t') {
      send(response, 200, { 'docker-content-digest': digestOf(Buffer.from('x')) })
    } else send(response, 401, { 'www-authenticate': `Bearer realm="http://${server.host}/token",service="s"` })
  })
  await registry.resolve(web, 'env-prod', { credentials: { kind: 'identity-token', token: 'refresh-me' } })
  t.match(body, /grant_type=refresh_token.*refresh_token=refresh-me.*service=s.*scope=repository%3Ashop%2Fweb%3Apull/)
  t.notOk(server.asked.some((asked) => asked.includes('refresh-me')))
})
