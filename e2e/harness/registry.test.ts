import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { mediaTypes } from './images.ts'
import { type Registry, type RegistryOptions, startRegistry } from './registry.ts'
import { faults } from './registry-faults.ts'
import { account, basicAuthorization } from './token-server.ts'

const basic = basicAuthorization(account.username, account.password)
const accept = [mediaTypes.oci, mediaTypes.docker].flatMap(({ index, manifest }) => [index, manifest]).join(', ')

async function started(t: Test, options?: RegistryOptions): Promise<Registry> {
  const registry = await startRegistry(options)
  t.teardown(() => registry.stop())
  return registry
}

async function head(registry: Registry, path: string, authorization?: string) {
  const answer = await request(`http://${registry.host}/v2/${path}`, {
    method: 'HEAD',
    headers: { accept, ...(authorization ? { authorization } : {}) },
    headersTimeout: 500,
  })
  await answer.body.dump()
  return { status: answer.statusCode, digest: answer.headers['docker-content-digest'], headers: answer.headers }
}

async function token(registry: Registry, authorization?: string): Promise<{ status: number; token: string }> {
  const query = 'service=e2e-registry&scope=repository:shop/web:pull'
  const headers = authorization ? { authorization } : {}
  const answer = await request(`http://${registry.host}/auth/token?${query}`, { headers })
  return { status: answer.statusCode, token: ((await answer.body.json()) as { token: string }).token }
}

for (const auth of ['none', 'basic', 'token'] as const) {
  t.test(`a registry with auth: '${auth}' accepts images, and moves and removes tags`, async (t) => {
    const registry = await started(t, { auth })
    const one = await registry.push('shop/web', ['1.0', 'env-prod'], { content: 'one' })
    const two = await registry.push('shop/web', '2.0', { multiArch: true, annotations: { a: 'b' } })
    const old = await registry.push('shop/web', '0.9', { docker: true, labels: { a: 'b' } })
    t.equal(one.reference, `${registry.host}/shop/web:1.0@${one.digest}`)
    t.equal(
      (await registry.push('shop/other', 'x', { content: 'one' })).digest,
      one.digest,
      'same content, same digest',
    )
    t.equal(new Set([one.digest, two.digest, old.digest]).size, 3)

    t.equal(await registry.digestOf('shop/web', 'env-prod'), one.digest)
    await registry.tag('shop/web', two.digest, 'env-prod')
    t.equal(await registry.digestOf('shop/web', 'env-prod'), two.digest)
    await registry.untag('shop/web', '1.0')
    t.same(await registry.tags('shop/web'), ['0.9', '2.0', 'env-prod'])
    t.equal(registry.requests.length, 0, 'requests of CI are not recorded')

    const authorization = { none: undefined, basic, token: undefined }[auth]
    const answer = await head(registry, 'shop/web/manifests/env-prod', authorization)
    if (auth !== 'token') {
      t.match(answer, { status: 200, digest: two.digest })
      return
    }
    t.equal(answer.status, 401)
    t.match(answer.headers['www-authenticate'], /^Bearer realm="http:.*scope="repository:shop\/web:pull"$/)
  })
}

t.test('a token is valid for its scope alone, and needs the password', async (t) => {
  const registry = await started(t, { auth: 'token' })
  const { digest } = await registry.push('shop/web', 'env-prod')
  t.equal((await token(registry)).status, 401)
  t.equal((await token(registry, basicAuthorization(account.username, 'wrong'))).status, 401)

  const bearer = `Bearer ${(await token(registry, basic)).token}`
  t.match(await head(registry, 'shop/web/manifests/env-prod', bearer), { status: 200, digest })
  t.equal((await head(registry, 'shop/other/manifests/env-prod', bearer)).status, 401)
  t.equal(registry.count({ kind: 'token' }), 3)
  t.equal(registry.count({ kind: 'token', status: 200 }), 1)

  registry.tokens.anonymousPull = true
  const anonymous = `Bearer ${(await token(registry)).token}`
  t.equal((await head(registry, 'shop/web/manifests/env-prod', anonymous)).status, 200)
})

t.test('the proxy records requests and connections', async (t) => {
  const registry = await started(t)
  await registry.push('shop/web', 'env-prod')
  const dispatcher = new Agent({ connections: 1 })
  t.teardown(() => dispatcher.destroy())
  for (let i = 0; i < 3; i++) {
    const url = `http://${registry.host}/v2/shop/web/manifests/env-prod`
    const answer = await request(url, { method: 'HEAD', dispatcher, reset: false, headers: { accept } })
    await answer.body.dump()
  }
  t.equal(registry.count({ method: 'HEAD', kind: 'manifest', status: 200 }), 3)
  t.equal(registry.connections, 1)
  registry.forget()
  t.equal(registry.count(), 0)
})

t.test('faults can be injected and removed', async (t) => {
  const registry = await started(t)
  await registry.push('shop/web', 'env-prod')
  const url = `http://${registry.host}/v2/shop/web/manifests/env-prod`
  const status = async () => (await head(registry, 'shop/web/manifests/env-prod')).status

  registry.faults.inject(faults.internalError, { times: 1 })
  t.same([await status(), await status()], [500, 200])

  const heal = registry.faults.inject(faults.throttled(7), { when: ({ path }) => path.includes('/manifests/') })
  t.match(await head(registry, 'shop/web/manifests/env-prod'), { status: 429, headers: { 'retry-after': '7' } })
  heal()
  t.equal(await status(), 200)

  registry.faults.inject('garbage', { times: 1 })
  t.match(await (await request(url)).body.text(), /hotel/)
  registry.faults.inject('hang', { times: 1 })
  await t.rejects(head(registry, 'shop/web/manifests/env-prod'), { code: 'UND_ERR_HEADERS_TIMEOUT' })
  registry.faults.inject('reset', { times: 1 })
  await t.rejects(head(registry, 'shop/web/manifests/env-prod'), { code: 'ECONNRESET' })

  registry.faults.inject('endless', { times: 1 })
  const endless = await request(url)
  let bytes = 0
  for await (const chunk of endless.body) {
    bytes += (chunk as Buffer).length
    if (bytes > 5_000_000) break
  }
  t.ok(bytes > 5_000_000)

  await registry.goAway()
  await t.rejects(head(registry, 'shop/web/manifests/env-prod'), { code: 'ECONNREFUSED' })
  await registry.comeBack()
  t.equal(await status(), 200)
})
