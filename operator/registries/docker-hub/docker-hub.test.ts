import t, { type Test } from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { account } from '../../../e2e/harness/token-server.ts'
import { VersionFinder } from '../../discovery/versions/version-finder.ts'
import { digestOf } from '../../images/digest.ts'
import { composeImage, parseReference } from '../../images/reference.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { DockerHubRegistry } from './docker-hub.ts'
import { dockerHubApi } from './hub.fixture.ts'

const login: Credentials = { kind: 'basic', ...account }
const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
const some = digestOf(Buffer.from('x'))

/** Docker Hub as far as it can be had here: a real registry for /v2, a stand-in for its own API. */
async function hub(t: Test) {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  const api = await dockerHubApi(t, program)
  const transport = transportTo(t, ['docker.io'], { origins: { 'docker.io': `http://${program.host}` }, limits: fast })
  return { program, api, transport, registry: new DockerHubRegistry(transport, { hub: api.origin }) }
}

t.test('B07 the version on Docker Hub is the alias that matches versionSyntax, or the digest after an @', async (t) => {
  const { program, api, registry } = await hub(t)
  const { repository } = parseReference('nginx')
  t.same(repository, { host: 'docker.io', path: 'library/nginx' })
  const access = { credentials: anonymous }
  const digest = await program.push('library/nginx', ['1.25.3', 'latest', 'env-prod']).then((image) => image.digest)
  await program.push('library/nginx', ['1.25.4'])
  program.forget()

  const found = (versionSyntax: string) =>
    new VersionFinder().find({ registry, repository, tag: 'env-prod', digest, versionSyntax, access })
  const version = await found('[0-9]+\\.[0-9]+\\.[0-9]+')
  t.same(version, { digest, name: '1.25.3', source: 'alias' })
  t.equal(composeImage('nginx', version), `nginx:1.25.3@${digest}`)
  t.same(program.requests, [], 'the registry is not asked for each tag')
  t.equal(api.asked.length, 1)

  const none = await found('v[0-9]+')
  t.equal(composeImage('nginx', none), `nginx@${digest}`, 'never nginx:sha256:…')
})

t.test(
  'B04 B07 of several aliases the label decides, else the highest, in whatever order the Hub lists them',
  async (t) => {
    const { program, registry } = await hub(t)
    const repository = { host: 'docker.io', path: 'shop/web' }
    const access = { credentials: anonymous }
    const labels = { 'org.opencontainers.image.version': '1.9' }
    const labelled = await program.push('shop/web', ['1.10', 'env-prod', '1.9', '1.2'], { labels })
    const plain = await program.push('shop/web', ['2.9', '2.10', 'env-test', '2.2'])
    for (const [tag, { digest }, name] of [
      ['env-prod', labelled, '1.9'],
      ['env-test', plain, '2.10'],
    ] as const) {
      const query = { registry, repository, tag, digest, versionSyntax: '[0-9.]+', access }
      t.match(await new VersionFinder().find(query), { name, source: 'alias' }, tag)
    }
  },
)

t.test('tags are resolved by HEAD, which Docker Hub does not count', async (t) => {
  const { program, registry } = await hub(t)
  const { digest } = await program.push('shop/web', 'env-prod')
  const web = { host: 'docker.io', path: 'shop/web' }
  t.equal(await registry.resolve(web, 'env-prod', { credentials: anonymous }), digest)
  t.equal(await registry.resolve(web, 'env-prod', { credentials: anonymous }, digest), digest)
  t.same(
    program.requests.map(({ method }) => method),
    ['HEAD', 'HEAD'],
  )
})

t.test('a private repository is listed with a login, and searched without one', async (t) => {
  const { program, api, registry } = await hub(t)
  const { digest } = await program.push('private/web', ['v1', 'env-prod'])
  const web = { host: 'docker.io', path: 'private/web' }
  t.equal(await registry.aliases(web, digest, { credentials: anonymous }), undefined)
  t.same((await registry.aliases(web, digest, { credentials: login }))?.tags.toSorted(), ['env-prod', 'v1'])
  await registry.aliases(web, digest, { credentials: login })
  t.equal(api.asked.filter((asked) => asked.startsWith('POST /v2/auth/token')).length, 1, 'one login')
  t.notOk(api.asked.some((asked) => asked.includes(account.password)))

  const query = { registry, repository: web, tag: 'env-prod', digest, versionSyntax: 'v[0-9]+' }
  const version = await new VersionFinder().find({ ...query, access: { credentials: anonymous } })
  t.match(version, { name: 'v1', source: 'alias' })
})

t.test('callers at the same time share one listing, and push times are listed', async (t) => {
  const { program, api, registry } = await hub(t)
  const names = Array.from({ length: 250 }, (_, i) => `b${i}`)
  const { digest } = await program.push('shop/web', names)
  const web = { host: 'docker.io', path: 'shop/web' }
  const access = { credentials: anonymous }
  const all = await Promise.all(Array.from({ length: 20 }, () => registry.aliases(web, digest, access)))
  t.ok(all.every((aliases) => aliases?.tags.length === 250))
  t.equal(api.asked.length, 6, 'three pages, for those who came first and for those who came while it was read')
  const times = new Map<string, number>()
  for await (const page of registry.pushTimes(web, access)) for (const entry of page) times.set(...entry)
  t.equal(times.size, 250)
})

t.test('B08 whatever its own API does, Docker Hub is searched like any registry, within the deadline', async (t) => {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  const { digest } = await program.push('shop/web', ['v1', 'env-prod'])
  const api = await peer(t, () => undefined)
  const transport = transportTo(t, ['docker.io'], {
    origins: { 'docker.io': `http://${program.host}` },
    limits: fast,
    deadlineMs: 300,
  })
  const registry = new DockerHubRegistry(transport, { hub: `http://${api.host}` })
  const repository = { host: 'docker.io', path: 'shop/web' }
  const find = (signal?: AbortSignal) => {
    const access = { credentials: anonymous, signal }
    return new VersionFinder().find({ registry, repository, tag: 'env-prod', digest, versionSyntax: 'v[0-9]+', access })
  }
  const answers: [string, typeof api.answer][] = [
    ['hangs', () => undefined],
    ['500', (_, response) => response.writeHead(500).end()],
    ['garbage', (_, response) => response.end('<html>')],
    ['429', (_, response) => response.writeHead(429, { 'retry-after': '60' }).end()],
    ['nothing any more, as it asked to be left alone', () => t.fail('it was asked')],
  ]
  for (const [name, answer] of answers) {
    api.answer = answer
    const since = Date.now()
    t.match(await find(), { name: 'v1', source: 'alias' }, name)
    t.ok(Date.now() - since < 1500, `${name}: in time`)
  }
  t.equal(await registry.resolve(repository, 'env-prod', { credentials: anonymous }), digest, 'the registry still is')
})

t.test('B08 who is called off waits for no listing', async (t) => {
  const api = await peer(t, () => undefined)
  const registry = new DockerHubRegistry(transportTo(t, []), { hub: `http://${api.host}` })
  const calledOff = new AbortController()
  const access = { credentials: anonymous, signal: calledOff.signal }
  const asked = registry.aliases({ host: 'docker.io', path: 'shop/web' }, some, access)
  setTimeout(() => calledOff.abort(new Error('called off')), 50)
  await t.rejects(asked, { message: 'called off' })
})

t.test('no image is pulled for its labels when the limit is used up', async (t) => {
  const server = await peer(t, (_, response) =>
    response
      .writeHead(200, {
        'docker-content-digest': some,
        'ratelimit-limit': '100;w=21600',
        'ratelimit-remaining': '0;w=21600',
        'docker-ratelimit-source': '192.0.2.7',
      })
      .end(),
  )
  const transport = transportTo(t, ['docker.io'], { origins: { 'docker.io': `http://${server.host}` } })
  const registry = new DockerHubRegistry(transport)
  const web = { host: 'docker.io', path: 'shop/web' }
  await registry.resolve(web, 'env-prod', { credentials: anonymous })
  const refused = { name: 'TransientError', reason: 'RegistryThrottled', message: /limit of 100 pulls is used up/ }
  await t.rejects(registry.labels(web, some, { credentials: anonymous }), refused)
  t.equal(server.asked.length, 1)
})

t.test('of more than 10,000 tags the latest are listed, and callers are told that there are more', async (t) => {
  const tags = Array.from({ length: 100 }, (_, at) => ({ name: `nightly-${at}`, digest: some }))
  const api = await peer(t, (_, response) => response.end(JSON.stringify({ results: tags, next: 'http://hub/next' })))
  const registry = new DockerHubRegistry(transportTo(t, [], { limits: fast }), { hub: `http://${api.host}` })
  const web = { host: 'docker.io', path: 'shop/web' }
  const other = digestOf(Buffer.from('other'))
  t.same(await registry.aliases(web, other, { credentials: anonymous }), { tags: [], isComplete: false })
  t.equal(api.asked.length, 100)
})
