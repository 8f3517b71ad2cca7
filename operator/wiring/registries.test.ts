import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { motoEnvironment, startMoto } from '../../e2e/harness/moto.ts'
import { startRegistry } from '../../e2e/harness/registry.ts'
import { account } from '../../e2e/harness/token-server.ts'
import { until } from '../../e2e/harness/until.ts'
import { loadSettings } from '../config/settings.ts'
import { createMetrics } from '../http/metrics.ts'
import type { Repository } from '../images/reference.ts'
import { createLogger } from '../log/log.ts'
import { currentCredentials } from '../registries/credentials/credential-source.ts'
import type { Credentials } from '../registries/registry.ts'
import { makePoller, mirrorsOf, missedPollsReporter, type OpenRegistries, openRegistries } from './registries.ts'

const pullSecret: Credentials = { kind: 'basic', ...account }
const path = 'shop/web'

/** Two images of one name and tag, as a workload's and that of its verification may be: at ECR, and at a registry with tokens. */
async function twoRegistries(t: Test) {
  const [moto, program] = await Promise.all([startMoto(), startRegistry({ auth: 'token' })])
  t.teardown(() => Promise.all([moto.stop(), program.stop()]))
  Object.assign(process.env, motoEnvironment)
  const settings = loadSettings({
    flags: { registryEndpoints: [`ecr=${moto.endpoint}`], insecureRegistries: [program.host] },
  })
  const atEcr: Repository = { host: moto.host, path }
  const atOwn: Repository = { host: program.host, path }
  const [ofEcr, ofOwn] = await Promise.all([moto.push(path, ['v1', 'check']), program.push(path, ['v2', 'check'])])
  const forget = () => {
    moto.forget()
    program.forget()
  }
  forget()
  return { moto, program, settings, atEcr, atOwn, ofEcr, ofOwn: ofOwn.digest, forget }
}

/** One poll with a pull secret at hand. */
async function poll({ registries, resolverFor }: OpenRegistries, repository: Repository) {
  const source = await resolverFor().resolve({ repository, found: pullSecret })
  return await registries
    .for(repository)
    .resolve(repository, 'check', { credentials: await currentCredentials(source) })
}

type Two = Awaited<ReturnType<typeof twoRegistries>>

/** ECR is asked with the AWS identity of the process alone, the other one with the pull secret and a token for it. */
function assertOwnCredentials(t: Test, { moto, program }: Two): void {
  t.ok(moto.calls.length > 0)
  t.same([...new Set(moto.calls.map(({ accessKey }) => accessKey))], [motoEnvironment.AWS_ACCESS_KEY_ID])
  t.notOk(moto.calls.some(({ body }) => body.includes(account.password) || body.includes(program.host)))
  t.ok(program.count({ kind: 'token', status: 200 }) > 0)
  t.ok(program.requests.some(({ authorization, kind }) => kind === 'manifest' && authorization === 'bearer'))
}

t.test(
  'B10 each image is asked for where its own host says, with its own credentials, whichever comes first',
  async (t) => {
    const two = await twoRegistries(t)
    const { moto, program, settings, atEcr, atOwn, ofEcr, ofOwn, forget } = two

    for (const order of [
      [atEcr, atOwn],
      [atOwn, atEcr],
    ]) {
      const open = await openRegistries(settings)
      t.teardown(() => open.transport.close())
      for (const repository of order) {
        forget()
        const isEcr = repository === atEcr
        t.equal(open.registries.for(repository).kind, isEcr ? 'ecr' : 'oci')
        t.equal(await poll(open, repository), isEcr ? ofEcr : ofOwn)
        t.equal((isEcr ? program.requests : moto.calls).length, 0, 'nobody else is asked')
      }
      forget()
      const polls = [atEcr, atOwn, atEcr, atOwn].map((each) => poll(open, each))
      t.same(await Promise.all(polls), [ofEcr, ofOwn, ofEcr, ofOwn], 'nor do they mix when both are asked at once')
      t.notOk(moto.calls.some(({ body }) => body.includes(account.password)))
    }
    forget()
    const open = await openRegistries(settings)
    t.teardown(() => open.transport.close())
    await Promise.all([atOwn, atEcr].map((each) => poll(open, each)))
    assertOwnCredentials(t, two)
  },
)

t.test('B10 a provider that is named for one image decides nothing about another', async (t) => {
  const { moto, program, settings, atEcr, atOwn, ofEcr, ofOwn, forget } = await twoRegistries(t)
  const open = await openRegistries(settings)
  const { registries } = open
  t.teardown(() => open.transport.close())
  for (const [named, provider, other, kind] of [
    [atEcr, 'ecr', atOwn, 'oci'],
    [atOwn, 'oci', atEcr, 'ecr'],
    [atOwn, 'harbor', atEcr, 'ecr'],
  ] as const) {
    t.equal(registries.for(named, provider).kind, provider)
    t.equal(registries.for(other).kind, kind, `${kind} beside ${provider}`)
    t.equal(await poll(open, other), other === atEcr ? ofEcr : ofOwn)
  }
  t.equal(registries.for(atOwn).kind, 'oci', 'nor is it remembered for its own host')

  forget()
  const mismatch = {
    reason: 'RegistryHostMismatch',
    message: new RegExp(`${program.host} is not a host of the provider ecr`),
  }
  t.throws(() => registries.for(atOwn, 'ecr'), mismatch)
  t.same([moto.calls.length, program.requests.length], [0, 0], 'one that does not fit is asked nothing')
})

t.test('B10 followed from one place, both are followed where they are', { timeout: 60_000 }, async (t) => {
  const two = await twoRegistries(t)
  const { settings, atEcr, atOwn, ofEcr, ofOwn } = two
  const open = await openRegistries(settings)
  const lines: string[] = []
  const log = createLogger({ logLevel: 'debug', logFormat: 'json', to: { write: (line) => lines.push(line) } })
  const following = makePoller(open, log, undefined, { onChange: () => undefined })
  t.teardown(async () => {
    await following.stop()
    await open.transport.close()
  })
  const follow = async (key: string, repository: Repository) =>
    following.follow(key, {
      repository,
      tag: 'check',
      credentials: await open.resolverFor().resolve({ repository, found: pullSecret }),
      versionSyntax: 'v[0-9]+',
      intervalSeconds: 5,
    })
  await follow('workload', atEcr)
  await follow('verification', atOwn)
  const offers = () => [following.offer('workload'), following.offer('verification')]
  await until('both to be known', () => offers().every(({ state }) => state === 'known'))
  t.match(offers(), [{ version: { digest: ofEcr, name: 'v1' } }, { version: { digest: ofOwn, name: 'v2' } }])
  assertOwnCredentials(t, two)

  const polls = lines.map((line) => JSON.parse(line))
  const common = { level: 'debug', msg: 'polled', outcome: 'changed', durationMs: Number, lateMs: Number }
  t.match(
    new Set(polls),
    new Set([
      { ...common, target: `${atEcr.host}/${path}`, tags: ['check'], version: 'v1' },
      { ...common, target: `${atOwn.host}/${path}:check`, version: 'v2' },
    ]),
    'one line for each poll',
  )
  for (const secret of [account.password, motoEnvironment.AWS_SECRET_ACCESS_KEY]) t.notMatch(lines.join(), secret)
})

t.test('mirrors are written as HOST=MIRROR with a path or without', async (t) => {
  const mirrors = [
    'docker.io=mirror.example.com:5000/hub/proxy',
    'ghcr.io=other.example.com',
    'ghcr.io=third.example.com',
  ]
  const byHost = mirrorsOf(loadSettings({ flags: { mirrors } }), () => Promise.resolve(pullSecret))
  t.match(byHost.get('docker.io'), { host: 'mirror.example.com:5000', prefix: 'hub/proxy' })
  t.match(byHost.get('ghcr.io'), { host: 'other.example.com', prefix: '' })
})

t.test('a mirror is asked with the manager’s own credentials, and never with those of a tenant', async (t) => {
  const program = await startRegistry({ auth: 'basic' })
  t.teardown(() => program.stop())
  const { digest } = await program.push('hub/library/nginx', ['check'])
  const dockerConfig = join(t.testdir({}), 'config.json')
  const auth = Buffer.from(`${account.username}:${account.password}`).toString('base64')
  await writeFile(dockerConfig, JSON.stringify({ auths: { [program.host]: { auth } } }))
  const flags = { mirrors: [`docker.io=${program.host}/hub`], dockerConfig, insecureRegistries: [program.host] }
  const { registries, transport } = await openRegistries(loadSettings({ flags }))
  t.teardown(() => transport.close())
  const nginx = { host: 'docker.io', path: 'library/nginx' }
  const tenant: Credentials = { kind: 'basic', username: 'tenant', password: 'x' }
  t.equal(await registries.for(nginx).resolve(nginx, 'check', { credentials: tenant }), digest)
})

t.test('missed polls are counted, and logged once for each registry with what to raise', async (t) => {
  const lines: string[] = []
  const log = createLogger({ logLevel: 'info', logFormat: 'json', to: { write: (line) => lines.push(line) } })
  const metrics = createMetrics()
  const report = missedPollsReporter(log, { registryRequestsPerSecond: 5 }, metrics)
  for (const host of ['a.example.com', 'a.example.com', 'b.example.com']) report(host)
  t.equal(lines.length, 2)
  t.match(lines[0], /"host":"a\.example\.com".*registryRequestsPerSecond is 5.*Raise it, or raise pollIntervalSeconds/)
  t.match(await metrics.registry.metrics(), 'cvmanager_registry_missed_polls_total{host="a.example.com"} 2')

  missedPollsReporter(log, { registryRequestsPerSecond: 0 }, undefined)('a.example.com')
  t.match(lines[2], /Raise pollIntervalSeconds/)
  t.notMatch(lines[2], /registryRequestsPerSecond/)
})
