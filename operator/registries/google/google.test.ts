import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { digestOf } from '../../images/digest.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { opened } from '../testing/opened.fixture.ts'
import { peer, transportTo } from '../testing/peer.ts'

const host = 'europe-docker.pkg.dev'
const web = { host, path: 'project/shop/web' }
const digest = digestOf(Buffer.from('x'))

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Google's metadata server (cloud.google.com/compute/docs/metadata/querying-metadata), recorded by hand. */
const metadataServer: Answer = (request, response) => {
  if (request.headers['metadata-flavor'] !== 'Google') return response.writeHead(403).end()
  response.writeHead(200, { 'metadata-flavor': 'Google', 'content-type': 'application/json' })
  return response.end('{"access_token":"ya29.secret","expires_in":3599,"token_type":"Bearer"}')
}

/** Artifact Registry, whose token service takes an access token as the password of `oauth2accesstoken`. */
async function artifactRegistry(t: Test, answer: Answer = metadataServer) {
  const metadata = await peer(t, answer)
  const registry = await peer(t, (request, response) => {
    const { authorization } = request.headers
    if (request.url?.startsWith('/v2/token') === true) {
      const given = Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64').toString()
      if (given !== 'oauth2accesstoken:ya29.secret') return response.writeHead(401).end()
      return response.end('{"token":"pull","expires_in":3600}')
    }
    if (authorization === 'Bearer pull') return response.writeHead(200, { 'docker-content-digest': digest }).end()
    const realm = `Bearer realm="http://${registry.host}/v2/token",service="${host}"`
    return response.writeHead(401, { 'www-authenticate': realm }).end()
  })
  const transport = transportTo(t, [host], { origins: { [host]: `http://${registry.host}` }, deadlineMs: 500 })
  const clock = new SteppedTime()
  const endpoints = { 'google-metadata': `http://${metadata.host}` }
  return { metadata, registry, clock, gar: opened({ transport, clock, endpoints, env: {} }) }
}

t.test('a pod in Google Cloud reads its registries without any secret, with one token an hour', async (t) => {
  const { metadata, gar, clock } = await artifactRegistry(t)
  await Promise.all([gar.poll(web, 'env-prod'), gar.poll(web, 'env-prod')])
  for (let i = 0; i < 5; i++) t.equal(await gar.poll(web, 'env-prod'), digest)
  t.same(metadata.asked, ['GET /computeMetadata/v1/instance/service-accounts/default/token'])
  await clock.advance(3_000_000)
  await gar.poll(web, 'env-prod')
  t.equal(metadata.asked.length, 2, 'renewed before it expires')
})

t.test('a pull secret takes precedence over the identity', async (t) => {
  const { metadata, gar } = await artifactRegistry(t)
  const key = { kind: 'basic', username: '_json_key', password: '{}' } as const
  const refused = { reason: 'RegistryAccessDenied', message: /refused the credentials/ }
  await t.rejects(gar.poll(web, 'env-prod', key), refused)
  t.same(metadata.asked, [])
})

t.test(
  'elsewhere the registry is asked without credentials, and the refusal tells what became of the identity',
  async (t) => {
    const answers: readonly Answer[] = [
      (_, response) => response.writeHead(404).end(),
      // Another cloud's metadata service.
      (_, response) => response.end('{"access_token":"not-googles"}'),
      (request) => request.socket.destroy(),
      () => undefined,
    ]
    for (const answer of answers) {
      const { gar, registry } = await artifactRegistry(t, answer)
      const message = /refused anonymous access .*Artifact Registry Reader by Workload Identity\. Or name a pull secret/
      await t.rejects(gar.poll(web, 'env-prod'), { reason: 'RegistryAccessDenied', message })
      t.notOk(registry.asked.some((asked) => asked.includes('not-googles')))
      const tags = gar.registries.for(web).tags(web, await gar.accessTo(web))
      await t.rejects(tags[Symbol.asyncIterator]().next(), { message })
    }
  },
)
