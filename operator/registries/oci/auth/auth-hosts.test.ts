import t from 'tap'
import { peer, transportTo } from '../../testing/peer.ts'
import { OciRegistry } from '../oci.ts'
import { AuthHosts, isSameSite } from './auth-hosts.ts'

t.test('S4 a token service is of the same site as its registry', async (t) => {
  for (const [registry, auth] of [
    ['registry-1.docker.io', 'auth.docker.io'],
    ['registry.gitlab.com', 'gitlab.com'],
    ['ghcr.io', 'ghcr.io'],
    ['registry.eu.example.com', 'login.example.com'],
    ['registry.example.co.uk', 'login.example.co.uk'],
    ['registry.shop.svc', 'auth.shop.svc'],
    ['registry.shop.svc.cluster.local', 'auth.shop.svc.cluster.local'],
    ['registry.cn-hangzhou.aliyuncs.com', 'dockerauth.cn-hangzhou.aliyuncs.com'],
    ['10.0.0.7', '10.0.0.7'],
  ] as const) {
    t.ok(isSameSite(registry, auth), `${registry} and ${auth}`)
  }
  for (const [registry, auth] of [
    ['ghcr.io', 'evil.io'],
    ['registry.example.com', 'example.com.evil.net'],
    ['registry.example.com', 'notexample.com'],
    ['registry.example.co.uk', 'evil.co.uk'],
    ['shop.azurecr.io', 'evil.azurecr.io'],
    ['us-docker.pkg.dev', 'evil.pkg.dev'],
    ['registry.shop.svc.cluster.local', 'vault.security.svc.cluster.local'],
    ['registry.shop.svc', 'kubernetes.default.svc'],
    ['registry.internal', 'metadata.google.internal'],
    ['10.0.0.7', '10.0.0.8'],
    ['registry.example.com', '169.254.169.254'],
    ['registry', 'vault'],
  ] as const) {
    t.notOk(isSameSite(registry, auth), `${registry} and ${auth}`)
  }
})

t.test('a pair in the settings allows another site for that registry only', async (t) => {
  const hosts = new AuthHosts([
    'registry.example.com:5000=login.example.net',
    'other.example.com=login.example.net:8443',
  ])
  const trust = (registry: string, realm: string) =>
    hosts.trust(registry, new URL(`https://${registry}`), new URL(realm))
  t.equal(trust('registry.example.com:5000', 'https://login.example.net/token'), 'configured')
  t.equal(trust('registry.example.com', 'https://login.example.net/token'), undefined, 'its port counts')
  t.equal(trust('other.example.com:5000', 'https://login.example.net:8443/token'), 'configured')
  t.equal(trust('other.example.com', 'https://login.example.net/token'), undefined)
  t.equal(trust('third.example.com', 'https://login.example.net/token'), undefined)
  t.equal(trust('third.example.com', 'https://auth.example.com/token'), 'answered')
  t.equal(trust('third.example.com', 'https://third.example.com:8443/token'), 'configured')
  t.equal(trust('lscr.io', 'https://ghcr.io/token'), 'configured', 'some pairs everybody has')
})

t.test('S4 no pair opens a metadata address, and no credentials are sent to another site', async (t) => {
  let realm = ''
  const server = await peer(t, (_, response) =>
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end(),
  )
  const elsewhere = await peer(t, (_, response) => response.end('{"token":"t"}'))
  const authHosts = new AuthHosts([`${server.host}=169.254.169.254`])
  const registry = new OciRegistry(transportTo(t, [server.host], { authHosts }))
  const look = () =>
    registry.resolve({ host: server.host, path: 'shop/web' }, 'env-prod', {
      credentials: { kind: 'basic', username: 'ann', password: 'hunter2' },
    })
  realm = 'http://169.254.169.254/token'
  await t.rejects(look(), { reason: 'RegistryAddressForbidden', message: /an address that is not allowed/ })
  realm = `http://localhost:${elsewhere.host.split(':')[1]}/token`
  await t.rejects(look(), { reason: 'RegistryAddressForbidden', message: /which is another site, so nothing was sent/ })
  t.same(elsewhere.asked, [])
})
