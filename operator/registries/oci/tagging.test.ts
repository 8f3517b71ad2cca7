import t, { type Test } from 'tap'
import { type RegistryOptions, startRegistry } from '../../../e2e/harness/registry.ts'
import { account } from '../../../e2e/harness/token-server.ts'
import type { Digest } from '../../images/digest.ts'
import { digestOf } from '../../images/digest.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { made } from '../testing/contract-bench.fixture.ts'
import { taggingContract } from '../testing/contract-tagging.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { OciRegistry } from './oci.ts'

const login: Credentials = { kind: 'basic', ...account }
const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }

async function started(t: Test, options: RegistryOptions = {}) {
  const program = await startRegistry(options)
  t.teardown(() => program.stop())
  const registry = new OciRegistry(transportTo(t, [program.host], { limits: fast }))
  return { program, registry, web: { host: program.host, path: 'shop/web' } }
}

t.test('the contract, in a registry that deletes nothing', async (t) => {
  const { program, registry } = await started(t, { deletion: false })
  await taggingContract(t, {
    registry,
    host: program.host,
    credentials: anonymous,
    untags: false,
    ...made(program),
  })
})

t.test('no layer is moved, and a tag that exists costs one HEAD', async (t) => {
  const { program, registry, web } = await started(t)
  const { digest } = await program.push('shop/web', '1.0', { multiArch: true })
  const access = { credentials: anonymous }
  await registry.tag(web, digest, 'env-prod', access)
  t.same(
    program.requests.map(({ method, path }) => [method, path]),
    [
      ['HEAD', '/v2/shop/web/manifests/env-prod'],
      // Until HEAD has worked in the repository, its 404 may mean the method.
      ['GET', '/v2/shop/web/manifests/env-prod'],
      ['GET', `/v2/shop/web/manifests/${digest}`],
      ['PUT', '/v2/shop/web/manifests/env-prod'],
    ],
  )
  program.forget()
  await registry.tag(web, digest, 'env-prod', access)
  t.equal(program.requests.length, 1)
})

t.test('a token that can push is requested separately, once, and polls keep one that can pull', async (t) => {
  const { program, registry, web } = await started(t, { auth: 'token' })
  const { digest } = await program.push('shop/web', '1.0')
  const access = { credentials: login }
  await registry.tag(web, digest, 'a', access)
  await registry.tag(web, digest, 'b', access)
  await registry.untag(web, 'a', access)
  await registry.untag(web, 'b', access)
  await registry.resolve(web, '1.0', access)
  const scopes = program.requests
    .filter(({ path }) => path.includes('scope='))
    .map(({ path }) => new URL(path, 'http://x').searchParams.get('scope'))
  t.same(scopes, ['repository:shop/web:pull', 'repository:shop/web:pull,push', 'repository:shop/web:delete,pull,push'])
})

t.test('who may only pull gets a refusal that names the tag', async (t) => {
  const { program, registry, web } = await started(t, { auth: 'token', token: { anonymousPull: true } })
  const { digest } = await program.push('shop/web', '1.0')
  const denied = { reason: 'RegistryAccessDenied', message: /anonymous access to repository shop\/web \(401/ }
  await t.rejects(registry.tag(web, digest, 'env-prod', { credentials: anonymous }), denied)
  await t.rejects(registry.untag(web, '1.0', { credentials: anonymous }), denied)
})

t.test('when a challenge names pull only, a push still requests what it needs', async (t) => {
  const there = await peer(t, (request, response) => {
    const asked = new URL(request.url ?? '/', 'http://x')
    if (asked.pathname === '/token') {
      response.end(JSON.stringify({ token: asked.searchParams.get('scope') }))
      return
    }
    const wanted = request.method === 'PUT' ? 'pull,push' : request.method === 'DELETE' ? 'delete,pull,push' : 'pull'
    if (request.headers.authorization !== `Bearer repository:shop/web:${wanted}`) {
      const realm = `realm="http://${there.host}/token",service="x",scope="repository:shop/web:pull"`
      response.writeHead(401, { 'www-authenticate': `Bearer ${realm}` }).end()
      return
    }
    const headers = { 'docker-content-digest': request.url?.includes('sha256') ? digestOf(image) : digest }
    response.writeHead(request.method === 'DELETE' ? 202 : 200, request.method === 'PUT' ? {} : headers)
    response.end(request.method === 'GET' ? image : '')
  })
  const registry = new OciRegistry(transportTo(t, [there.host], { limits: fast }))
  const web = { host: there.host, path: 'shop/web' }
  t.equal(await registry.tag(web, digestOf(image), 'env-prod', { credentials: anonymous }), 'moved')
  t.equal(await registry.untag(web, 'env-prod', { credentials: anonymous }), 'removed')
})

t.test('an image that the registry stored under another digest is an error', async (t) => {
  const there = await peer(t, (request, response) => {
    const headers = { 'docker-content-digest': request.url?.includes('sha256') ? digestOf(image) : digest }
    response.writeHead(request.method === 'PUT' ? 201 : 200, headers).end(request.method === 'GET' ? image : '')
  })
  const registry = new OciRegistry(transportTo(t, [there.host], { limits: fast }))
  const web = { host: there.host, path: 'shop/web' }
  await t.rejects(registry.tag(web, digestOf(image), 'env-prod', { credentials: anonymous }), {
    reason: 'RegistryAnswerInvalid',
    message: /tag env-prod .* under another digest/,
  })
})

const image = Buffer.from('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}')
const digest: Digest = 'sha256:b3a5d1bb8c1b0d8c7cc5e3c2b8a6f1f5d3b9a5e6f7a8b9c0d1e2f3a4b5c6d7e8'

t.test('each way to refuse has its reason, and no tag is deleted by a digest', async (t) => {
  const real = digestOf(image)
  const says = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] })
  const cases: readonly [number, string, string, string][] = [
    [412, says('PRECONDITION', "configured as immutable, can't be updated"), 'TagImmutable', 'TagImmutable'],
    [409, says('TAG_INVALID', 'a tag that is immutable'), 'TagImmutable', 'TagImmutable'],
    [403, says('DENIED', 'tag is immutable'), 'TagImmutable', 'TagImmutable'],
    [405, says('UNSUPPORTED', 'The operation is unsupported.'), 'RegistryRefused', 'UntagNotSupported'],
    [400, says('DIGEST_INVALID', 'not a digest'), 'RegistryRefused', 'UntagNotSupported'],
    [404, '', 'TagNotFound', 'UntagNotSupported'],
    [403, says('DENIED', 'requested access to the resource is denied'), 'RegistryAccessDenied', 'RegistryAccessDenied'],
    [413, 'too large', 'RegistryRefused', 'RegistryRefused'],
    [500, '', 'RegistryUnavailable', 'RegistryUnavailable'],
    [307, '', 'RegistryAnswerInvalid', 'RegistryAnswerInvalid'],
  ]
  let refused: readonly [number, string] = [200, '']
  const there = await peer(t, (request, response) => {
    if (request.method === 'PUT' || request.method === 'DELETE') {
      response.writeHead(refused[0], { location: 'http://127.0.0.1:1/elsewhere' }).end(refused[1])
    } else {
      const name = request.url?.endsWith(real) ? real : digest
      response.writeHead(200, {
        'docker-content-digest': name,
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
      })
      response.end(request.method === 'HEAD' ? '' : image)
    }
  })
  const registry = new OciRegistry(transportTo(t, [there.host], { limits: fast }))
  const web = { host: there.host, path: 'shop/web' }
  for (const [status, body, tagging, untagging] of cases) {
    refused = [status, body]
    const named = `${status} ${body}`
    const access = { credentials: anonymous }
    await t.rejects(registry.tag(web, real, 'env-prod', access), { reason: tagging, message: /env-prod/ }, named)
    await t.rejects(registry.untag(web, 'env-prod', access), { reason: untagging, message: /env-prod/ }, named)
  }
  const deleted = there.asked.filter((line) => line.startsWith('DELETE'))
  t.ok(deleted.every((line) => line === 'DELETE /v2/shop/web/manifests/env-prod'))
  t.notOk(
    there.asked.some((line) => line.includes('elsewhere')),
    'no redirect of a change is followed',
  )
})
