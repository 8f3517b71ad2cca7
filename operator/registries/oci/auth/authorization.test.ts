import t from 'tap'
import { digestOf } from '../../../images/digest.ts'
import { peer, transportTo } from '../../testing/peer.ts'
import { OciRegistry } from '../oci.ts'
import { basic } from './token-request.ts'

const login = { username: 'ann', password: 'x' }
const digest = digestOf(Buffer.from('x'))

t.test('a registry that wanted tokens, and wants the password itself now, gets it', async (t) => {
  let wanted = 'Bearer t1'
  const server = await peer(t, ({ url, headers }, response) => {
    if (url?.startsWith('/token')) return response.end('{"token":"t1"}')
    if (headers.authorization === wanted) return response.writeHead(200, { 'docker-content-digest': digest }).end()
    const challenge = wanted === 'Bearer t1' ? `Bearer realm="http://${server.host}/token"` : 'Basic realm="x"'
    return response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  const registry = new OciRegistry(transportTo(t, [server.host]))
  const resolve = () =>
    registry.resolve({ host: server.host, path: 'shop/web' }, 'env-prod', { credentials: { kind: 'basic', ...login } })
  t.equal(await resolve(), digest)
  wanted = basic(login)
  t.equal(await resolve(), digest)
  t.equal(await resolve(), digest)
  const last = server.asked.at(-1)
  t.equal(last, `HEAD /v2/shop/web/manifests/env-prod ${wanted}`)
  t.equal(server.asked.filter((line) => line === last).length, 2, 'the third poll sends it at once')
})
