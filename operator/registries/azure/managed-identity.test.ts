import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { digestOf } from '../../images/digest.ts'
import { type Clock, systemClock } from '../../time/clock.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { opened } from '../testing/opened.fixture.ts'
import { type Peer, peer, transportTo } from '../testing/peer.ts'
import { ManagedIdentity } from './managed-identity.ts'

const host = 'shop.azurecr.io'
const web = { host, path: 'shop/web' }
const digest = digestOf(Buffer.from('x'))
const asksFor =
  'GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcontainerregistry.azure.net'

/** Azure's metadata service (learn.microsoft.com, "Use managed identities on a virtual machine"), recorded by hand. */
function metadataService(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.metadata !== 'true') return void response.writeHead(400).end('{"error":"bad_request_102"}')
  if (request.url?.includes('client_id=unknown')) {
    const body = '{"error":"invalid_request","error_description":"Identity not found"}'
    return void response.writeHead(400).end(body)
  }
  const body = { access_token: 'entra', client_id: 'client', expires_in: '86399', token_type: 'Bearer' }
  return void response.writeHead(200, { server: 'IMDS/150.870.65.1854' }).end(JSON.stringify(body))
}

/** The registry's own three requests (azure.github.io/acr/AAD-OAuth.html), recorded by hand. */
async function azure(t: Test, answer: Peer['answer'] = metadataService, env: Record<string, string> = {}) {
  const metadata = await peer(t, answer)
  const forms: Record<string, string>[] = []
  let isReader = true
  const registry = await peer(t, async (request, response) => {
    const url = request.url ?? ''
    if (request.method === 'POST') {
      const form = Object.fromEntries(new URLSearchParams(await text(request)))
      if (url !== '/oauth2/exchange')
        return void response.writeHead(isReader ? 200 : 401).end('{"access_token":"pull"}')
      forms.push(form)
      return void response.end('{"refresh_token":"refresh"}')
    }
    if (request.headers.authorization === 'Bearer pull') {
      return void response.writeHead(200, { 'docker-content-digest': digest }).end()
    }
    if (url.startsWith('/oauth2/token')) return void response.writeHead(401).end()
    const realm = `Bearer realm="http://${registry.host}/oauth2/token",service="${host}"`
    return void response.writeHead(401, { 'www-authenticate': realm }).end()
  })
  const transport = transportTo(t, [host], { origins: { [host]: `http://${registry.host}` } })
  const endpoints = { 'azure-metadata': `http://${metadata.host}` }
  const openedWith = (cloudIdentity = true, clock: Clock = systemClock) =>
    opened({ transport, clock, endpoints, env, identity: { cloudIdentity } })
  const own = openedWith()
  const poll = () => own.poll(web, 'env-prod')
  const nobody = () => {
    isReader = false
  }
  return { metadata, registry, openedWith, transport, endpoints, poll, forms, nobody }
}

t.test('a machine in Azure reads its registries with its managed identity', async (t) => {
  const { metadata, poll, forms } = await azure(t)
  await Promise.all([poll(), poll()])
  t.equal(await poll(), digest)
  t.same(metadata.asked, [asksFor])
  t.same(forms, [{ grant_type: 'access_token', service: host, access_token: 'entra' }])
})

t.test('the environment selects one of several identities', async (t) => {
  const env = { AZURE_CLIENT_ID: 'a b', AZURE_TENANT_ID: 'tenant' }
  const { metadata, poll, forms } = await azure(t, metadataService, env)
  t.equal(await poll(), digest)
  t.same(metadata.asked, [`${asksFor}&client_id=a%20b`])
  t.match(forms, [{ tenant: 'tenant' }])
})

t.test(
  "it is used for Azure's registries only, without other credentials, and not when it is switched off",
  async (t) => {
    const { metadata, openedWith, registry } = await azure(t)
    const login = { kind: 'basic', username: 'ann', password: 'hunter2' } as const
    const refused = { name: /^(?:NeedsChange|Transient)Error$/ }
    await t.rejects(openedWith().poll(web, 'env-prod', login), refused)
    await t.rejects(openedWith(false).poll(web, 'env-prod'), refused)
    const other = { host: registry.host, path: 'shop/web' }
    await t.rejects(openedWith().poll(other, 'env-prod'), refused)
    t.same(metadata.asked, [])
  },
)

t.test('the refusal names the identity and what it needs', async (t) => {
  const unknown = await azure(t, metadataService, { AZURE_CLIENT_ID: 'unknown' })
  await t.rejects(unknown.poll(), {
    reason: 'RegistryAccessDenied',
    message:
      /The managed identity unknown was refused too \(.* answered 400 \(no such identity\)\): assign it to the machine/,
  })
  const { poll, nobody } = await azure(t)
  nobody()
  const refused = await poll().catch(String)
  t.match(refused, /cvmanager used the managed identity of the machine: grant it the role AcrPull, .*AZURE_CLIENT_ID/)
  t.notMatch(refused, /entra|refresh|password/)
})

t.test('outside Azure it costs one request, and the message says that there is none', async (t) => {
  for (const answer of [
    (_: IncomingMessage, response: ServerResponse) => response.writeHead(404).end(),
    (request: IncomingMessage) => request.socket.destroy(),
  ]) {
    const { poll, metadata } = await azure(t, answer)
    const message = /found no Azure identity, neither of this process nor of its machine: label its pod/
    for (let i = 0; i < 3; i++) await t.rejects(poll(), { message })
    t.equal(new Set(metadata.asked).size, 1)
  }
})

t.test('where nobody answers, it costs two seconds every ten minutes, for any number of registries', async (t) => {
  const { metadata, transport, endpoints } = await azure(t, () => undefined)
  const clock = new SteppedTime()
  const identity = new ManagedIdentity({ transport, endpoints, env: {}, clock })
  const began = performance.now()
  t.same(await Promise.all([1, 2, 3].map(() => identity.token())), [undefined, undefined, undefined])
  t.ok(performance.now() - began < 5_000)
  await identity.token()
  t.equal(metadata.asked.length, 1)
  await clock.advance(600_001)
  metadata.answer = metadataService
  t.equal(await identity.token(), 'entra')
})

t.test('while the service cannot answer, the poll fails and is tried again', async (t) => {
  for (const status of [410, 429, 500]) {
    const { poll } = await azure(t, (_, response) => response.writeHead(status).end())
    const failure = { name: 'TransientError', reason: 'RegistryUnavailable', message: new RegExp(`answered ${status}`) }
    await t.rejects(poll(), failure)
  }
})

t.test(
  'S4 what tenants and registries name never reaches the metadata service, though cvmanager itself does',
  async (t) => {
    const { poll, openedWith, metadata, registry } = await azure(t)
    t.equal(await poll(), digest)
    const service = 'http://169.254.169.254/metadata/identity/oauth2/token'
    const forbidden = { reason: 'RegistryAddressForbidden', message: /169\.254\.169\.254|a9fe/ }
    for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]']) {
      const path = 'metadata/identity'
      await t.rejects(openedWith().poll({ host, path }, 'env-prod'), forbidden)
    }
    registry.answer = (_, response) => response.writeHead(307, { location: service }).end()
    await t.rejects(poll(), forbidden)
    registry.answer = (_, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${service}"` }).end()
    await t.rejects(openedWith().poll(web, 'env-prod'), forbidden)
    t.same([...new Set(metadata.asked)], [asksFor])
  },
)
