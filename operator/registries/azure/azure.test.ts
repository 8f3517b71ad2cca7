import { writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { digestOf } from '../../images/digest.ts'
import { systemClock } from '../../time/clock.ts'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { WithIdentity } from '../credentials/with-identity.ts'
import { OciRegistry } from '../oci/oci.ts'
import { Registries } from '../registries.ts'
import { anonymous } from '../registry.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { AzureIdentity, accountOf } from './azure-identity.ts'

const host = 'shop.azurecr.io'
const web = { host, path: 'shop/web' }
const digest = digestOf(Buffer.from('x'))
const access = { credentials: anonymous }
const exchanged = 'POST /oauth2/exchange'

async function formOf(request: IncomingMessage): Promise<Record<string, string>> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return Object.fromEntries(new URLSearchParams(text))
}

/**
 * Entra ID's token endpoint (learn.microsoft.com, "Get a token with a federated credential") and the registry's three
 * (azure.github.io/acr/AAD-OAuth.html), recorded by hand.
 */
async function azure(t: Test, { granted = true, up = true } = {}) {
  const directory = t.testdir({})
  const tokenFile = join(directory, 'token')
  await writeFile(tokenFile, 'token-of-the-pod\n')
  const entra = await peer(t, (request, response) => {
    if (!up) return response.writeHead(503).end()
    return formOf(request).then((form) => {
      t.match(form, {
        grant_type: 'client_credentials',
        client_id: 'client',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: 'token-of-the-pod',
        scope: 'https://containerregistry.azure.net/.default',
      })
      response.end('{"token_type":"Bearer","expires_in":3599,"access_token":"entra"}')
    })
  })
  const registry = await peer(t, (request, response) => {
    const url = request.url ?? ''
    if (url === '/oauth2/exchange') {
      return formOf(request).then((form) => {
        t.match(form, { grant_type: 'access_token', service: host, tenant: 'tenant', access_token: 'entra' })
        if (!granted) return response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED"}]}')
        return response.end('{"refresh_token":"refresh"}')
      })
    }
    if (url.startsWith('/oauth2/token')) {
      return formOf(request).then(({ refresh_token }) =>
        refresh_token === 'refresh' ? response.end('{"access_token":"pull"}') : response.writeHead(401).end(),
      )
    }
    if (request.headers.authorization === 'Bearer pull') {
      return response.writeHead(200, { 'docker-content-digest': digest }).end()
    }
    const realm = `Bearer realm="http://${registry.host}/oauth2/token",service="${host}"`
    return response.writeHead(401, { 'www-authenticate': realm }).end()
  })
  const transport = transportTo(t, [host], { origins: { [host]: `http://${registry.host}` } })
  const account = accountOf({
    AZURE_CLIENT_ID: 'client',
    AZURE_TENANT_ID: 'tenant',
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
    AZURE_AUTHORITY_HOST: `http://${entra.host}/`,
  })
  const acr = new WithIdentity('acr', new OciRegistry(transport), new AzureIdentity(transport, account))
  return { entra, registry, transport, acr }
}

t.test('a pod with a workload identity reads its registry without any secret', async (t) => {
  const { entra, registry, acr } = await azure(t)
  await Promise.all([acr.resolve(web, 'env-prod', access), acr.resolve(web, 'env-prod', access)])
  t.equal(await acr.resolve(web, 'env-prod', access), digest)
  t.same(entra.asked, ['POST /tenant/oauth2/v2.0/token'])
  t.equal(registry.asked.filter((asked) => asked === exchanged).length, 1)
  t.notOk(
    registry.asked.some((asked) => /entra|refresh_token|token-of-the-pod/.test(asked)),
    'no secret in an address',
  )
})

t.test('an identity that the registry does not take is told as such, and public images are still read', async (t) => {
  const { acr, registry } = await azure(t, { granted: false })
  const message =
    /refused anonymous access .*workload identity client was refused too \(shop\.azurecr\.io answered 401\): give it the role AcrPull\./
  await t.rejects(acr.resolve(web, 'env-prod', access), { reason: 'RegistryAccessDenied', message })
  await t.rejects(acr.resolve(web, 'env-prod', access), { message })
  t.equal(registry.asked.filter((asked) => asked === exchanged).length, 1, 'and is not tried at each look')
})

t.test('while Entra ID is away nothing is concluded from it', async (t) => {
  const { acr } = await azure(t, { up: false })
  const message = /could not do so: answered 503/
  await t.rejects(acr.resolve(web, 'env-prod', access), {
    name: 'TransientError',
    reason: 'RegistryUnavailable',
    message,
  })
})

t.test('without an identity, that is what is said', async (t) => {
  const { transport } = await azure(t)
  const acr = new WithIdentity('acr', new OciRegistry(transport), new AzureIdentity(transport, accountOf({})))
  await t.rejects(acr.resolve(web, 'env-prod', access), { message: /has no workload identity of Azure's/ })
})

t.test('in the name of a service account, its own identity is exchanged and the manager is nobody', async (t) => {
  const { entra, registry, transport } = await azure(t)
  const env = { AZURE_AUTHORITY_HOST: `http://${entra.host}`, AZURE_CLIENT_ID: 'manager', AZURE_TENANT_ID: 'managers' }
  const registries = new Registries({ transport, clock: systemClock, endpoints: {}, env })
  const audiences: string[] = []
  const token = (audience: string) => {
    audiences.push(audience)
    return Promise.resolve('token-of-the-pod')
  }
  const account = { ...testAccount('shop', 'reader'), token }
  const resolve = () => registries.for(web).resolve(web, 'env-prod', { credentials: account })

  const missing = {
    reason: 'ServiceAccountNotAnnotated',
    message: /shop\/none.*azure\.workload\.identity\/client-id/,
  }
  const none = testAccount('shop', 'none')
  await t.rejects(registries.for(web).resolve(web, 'env-prod', { credentials: none }), missing)
  for (const tenantId of ['../x', 'x/y', 'x?y', 'x y', '']) {
    const strange = { 'azure.workload.identity/client-id': 'client', 'azure.workload.identity/tenant-id': tenantId }
    const credentials = testAccount('shop', `strange-${tenantId}`, strange)
    const refused = { reason: 'ServiceAccountNotAnnotated', message: /tenant-id of no use/ }
    await t.rejects(registries.for(web).resolve(web, 'env-prod', { credentials }), refused)
  }
  t.same(entra.asked, [])

  const annotations = { 'azure.workload.identity/client-id': 'client', 'azure.workload.identity/tenant-id': 'tenant' }
  account.annotations = () => Promise.resolve(annotations)
  t.same(await Promise.all([resolve(), resolve(), resolve()]), [digest, digest, digest])
  t.same(audiences, ['api://AzureADTokenExchange'])
  t.same(entra.asked, ['POST /tenant/oauth2/v2.0/token'])
  t.equal(registry.asked.filter((asked) => asked === exchanged).length, 1)
})

t.test('who is refused in the name of a service account is told which identity that was', async (t) => {
  const { entra, transport } = await azure(t, { granted: false })
  const env = { AZURE_AUTHORITY_HOST: `http://${entra.host}`, AZURE_TENANT_ID: 'tenant' }
  const registries = new Registries({ transport, clock: systemClock, endpoints: {}, env })
  const annotations = { 'azure.workload.identity/client-id': 'client' }
  const account = { ...testAccount('shop', 'reader', annotations), token: () => Promise.resolve('token-of-the-pod') }
  const message = /name of the service account shop\/reader .*workload identity client was refused too .*AcrPull/
  const look = registries.for(web).resolve(web, 'env-prod', { credentials: { ...account } })
  await t.rejects(look, { reason: 'RegistryAccessDenied', message })
})
