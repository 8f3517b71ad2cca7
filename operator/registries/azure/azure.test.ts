import { constants, createVerify, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { digestOf } from '../../images/digest.ts'
import { systemClock } from '../../time/clock.ts'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { type Login, opened } from '../testing/opened.fixture.ts'
import { type Peer, peer, transportTo } from '../testing/peer.ts'
import { testCertificate, testKey } from './certificate.fixture.ts'

const host = 'shop.azurecr.io'
const web = { host, path: 'shop/web' }
const digest = digestOf(Buffer.from('x'))
const exchanged = 'POST /oauth2/exchange'

/** MSAL gives each request an id. */
const withoutIds = ({ asked }: Peer): string[] =>
  asked.map((each) => each.replace(/\?client-request-id=[0-9a-f-]{36}$/, ''))

const formOf = async (request: IncomingMessage): Promise<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(await text(request)))

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
  const pod = {
    AZURE_CLIENT_ID: 'client',
    AZURE_TENANT_ID: 'tenant',
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
    AZURE_AUTHORITY_HOST: `http://${entra.host}/`,
  }
  // Nobody listens there.
  const endpoints = { 'azure-metadata': 'http://127.0.0.1:9' }
  const pollAs = (env: Readonly<Record<string, string>>) => {
    const made = opened({ transport, clock: systemClock, endpoints, env })
    return (login?: Login) => made.poll(web, 'env-prod', login)
  }
  return { entra, registry, directory, pod, pollAs, poll: pollAs(pod) }
}

t.test('a pod with a workload identity reads its registry without any secret', async (t) => {
  const { entra, registry, poll } = await azure(t)
  await Promise.all([poll(), poll()])
  t.equal(await poll(), digest)
  t.same(withoutIds(entra), ['POST /tenant/oauth2/v2.0/token'])
  t.equal(registry.asked.filter((asked) => asked === exchanged).length, 1)
  t.notOk(
    registry.asked.some((asked) => /entra|refresh_token|token-of-the-pod/.test(asked)),
    'no secret in an address',
  )
})

t.test('the message names an identity that the registry refuses, and public images are still read', async (t) => {
  const { poll, registry } = await azure(t, { granted: false })
  const message =
    /refused anonymous access .*workload identity client was refused too \(shop\.azurecr\.io answered 401\): grant it the role AcrPull\./
  await t.rejects(poll(), { reason: 'RegistryAccessDenied', message })
  await t.rejects(poll(), { message })
  t.equal(registry.asked.filter((asked) => asked === exchanged).length, 1, 'and is not tried at each poll')
})

t.test('while Entra ID is down, the poll fails and is tried again', async (t) => {
  const { poll } = await azure(t, { up: false })
  const message = /could not do so: answered 503/
  await t.rejects(poll(), {
    name: 'TransientError',
    reason: 'RegistryUnavailable',
    message,
  })
})

t.test('without an identity, the message says so', async (t) => {
  const { pollAs } = await azure(t)
  await t.rejects(pollAs({})(), { message: /found no Azure identity, neither of this process/ })
})

t.test('a service account uses its own identity, and never that of the manager', async (t) => {
  const { entra, registry, pollAs } = await azure(t)
  const env = { AZURE_AUTHORITY_HOST: `http://${entra.host}`, AZURE_CLIENT_ID: 'manager', AZURE_TENANT_ID: 'managers' }
  const poll = pollAs(env)
  const audiences: string[] = []
  const token = (audience: string) => {
    audiences.push(audience)
    return Promise.resolve('token-of-the-pod')
  }
  const account = { ...testAccount('shop', 'reader'), token }

  const missing = {
    reason: 'ServiceAccountNotAnnotated',
    message: /shop\/none.*azure\.workload\.identity\/client-id/,
  }
  const none = testAccount('shop', 'none')
  await t.rejects(poll(none), missing)
  for (const tenantId of ['../x', 'x/y', 'x?y', 'x y', '']) {
    const strange = { 'azure.workload.identity/client-id': 'client', 'azure.workload.identity/tenant-id': tenantId }
    const named = testAccount('shop', `strange-${tenantId}`, strange)
    const refused = {
      reason: 'ServiceAccountNotAnnotated',
      message: /invalid annotation azure\.workload\.identity\/tenant-id/,
    }
    await t.rejects(poll(named), refused)
  }
  t.same(entra.asked, [])

  const annotations = { 'azure.workload.identity/client-id': 'client', 'azure.workload.identity/tenant-id': 'tenant' }
  account.annotations = () => Promise.resolve(annotations)
  t.same(await Promise.all([poll(account), poll(account), poll(account)]), [digest, digest, digest])
  t.same(audiences, ['api://AzureADTokenExchange'])
  t.same(withoutIds(entra), ['POST /tenant/oauth2/v2.0/token'])
  t.equal(registry.asked.filter((asked) => asked === exchanged).length, 1)
})

t.test('when a service account is refused, the message names its identity', async (t) => {
  const { entra, pollAs } = await azure(t, { granted: false })
  const env = { AZURE_AUTHORITY_HOST: `http://${entra.host}`, AZURE_TENANT_ID: 'tenant' }
  const poll = pollAs(env)
  const annotations = { 'azure.workload.identity/client-id': 'client' }
  const account = { ...testAccount('shop', 'reader', annotations), token: () => Promise.resolve('token-of-the-pod') }
  const message = /name of the service account shop\/reader .*workload identity client was refused too .*AcrPull/
  await t.rejects(poll({ ...account }), { reason: 'RegistryAccessDenied', message })
})

t.test('an application proves itself with a secret or a certificate of the environment', async (t) => {
  const forms: Record<string, string>[] = []
  const { entra, directory, pod, pollAs } = await azure(t)
  entra.answer = async (request, response) => {
    forms.push(await formOf(request))
    response.end('{"token_type":"Bearer","expires_in":3599,"access_token":"entra"}')
  }
  const { AZURE_FEDERATED_TOKEN_FILE: _, ...application } = pod
  t.equal(await pollAs({ ...application, AZURE_CLIENT_SECRET: 'hunter2' })(), digest)
  t.match(forms, [{ grant_type: 'client_credentials', client_id: 'client', client_secret: 'hunter2' }])

  const file = join(directory, 'certificate.pem')
  const withCertificate = pollAs({ ...application, AZURE_CLIENT_CERTIFICATE_PATH: file })
  await t.rejects(withCertificate(), { name: 'TransientError', message: /ENOENT.*certificate\.pem/ })
  await writeFile(file, 'hunter2')
  const invalid = pollAs({ ...application, AZURE_CLIENT_CERTIFICATE_PATH: file })
  await t.rejects(invalid(), {
    reason: 'RegistryAccessDenied',
    message: /does not hold a certificate and its private key/,
  })
  await writeFile(file, `${testCertificate}${testKey}`)
  t.equal(await pollAs({ ...application, AZURE_CLIENT_CERTIFICATE_PATH: file })(), digest)
  const [, { client_assertion = '', client_assertion_type } = {}] = forms
  t.equal(client_assertion_type, 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  const [header = '', claims = '', signature = ''] = client_assertion.split('.')
  const { publicKey } = new X509Certificate(testCertificate)
  const padding = {
    key: publicKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  }
  t.ok(createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(padding, signature, 'base64url'))
  t.match(JSON.parse(Buffer.from(claims, 'base64url').toString()), { iss: 'client', sub: 'client' })
})
