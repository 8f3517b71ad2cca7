import t from 'tap'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import type { Credentials } from '../registry.ts'
import { anonymous } from '../registry.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { OciRegistry } from './oci.ts'

const digest = `sha256:${'a'.repeat(64)}`
const user = (username: string): Credentials => ({ kind: 'basic', username, password: 'x' })
const header = (username: string) => `Basic ${Buffer.from(`${username}:x`).toString('base64')}`

/** Docker Hub limits pulls by account, and anonymous ones by address (docs.docker.com, "Docker Hub usage and limits"). */
t.test(
  'R10 the quota of one account, or of anonymous access, stops nobody else for longer than ten seconds',
  async (t) => {
    const spent = new Set<string | undefined>()
    const server = await peer(t, ({ headers: { authorization } }, response) => {
      if (authorization === undefined && !spent.has('anonymous')) {
        return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      }
      if (spent.has(authorization ?? 'anonymous')) return response.writeHead(429, { 'retry-after': '3600' }).end()
      return response
        .writeHead(200, {
          'docker-content-digest': digest,
          'content-type': 'application/vnd.oci.image.manifest.v1+json',
        })
        .end()
    })
    const time = new SteppedTime()
    const registry = new OciRegistry(transportTo(t, [server.host], { clock: time, alarm: time.alarm }))
    const repository = { host: server.host, path: 'shop/web' }
    const resolve = async (credentials: Credentials) =>
      await registry.resolve(repository, 'env-prod', { credentials }).catch(({ reason }) => reason)

    t.equal(await resolve(user('bob')), digest)
    spent.add(header('ann'))
    spent.add('anonymous')
    for (const refused of [user('ann'), anonymous]) {
      t.equal(await resolve(refused), 'RegistryThrottled')
      await time.advance(10_000)
      t.equal(await resolve(user('bob')), digest)
    }
    const asked = server.asked.length
    t.equal(await resolve(user('ann')), 'RegistryThrottled')
    t.equal(await resolve(anonymous), 'RegistryThrottled')
    t.equal(server.asked.length, asked, 'they are not asked for before their time')
    spent.clear()
    await time.advance(3_600_000)
    t.equal(await resolve(user('ann')), digest)
  },
)
