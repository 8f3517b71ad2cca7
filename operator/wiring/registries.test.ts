import t, { type Test } from 'tap'
import { motoEnvironment, startMoto } from '../../e2e/harness/moto.ts'
import { startRegistry } from '../../e2e/harness/registry.ts'
import { account } from '../../e2e/harness/token-server.ts'
import { until } from '../../e2e/harness/until.ts'
import { loadSettings } from '../config/settings.ts'
import type { Repository } from '../images/reference.ts'
import type { Credentials } from '../registries/registry.ts'
import { makeRegistries, openRegistries } from './registries.ts'

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
    const access = { credentials: pullSecret }

    for (const order of [
      [atEcr, atOwn],
      [atOwn, atEcr],
    ]) {
      const { registries, transport } = openRegistries(settings)
      t.teardown(() => transport.close())
      for (const repository of order) {
        forget()
        const registry = registries.for(repository)
        const isEcr = repository === atEcr
        t.equal(registry.kind, isEcr ? 'ecr' : 'oci')
        t.equal(await registry.resolve(repository, 'check', access), isEcr ? ofEcr : ofOwn)
        t.equal((isEcr ? program.requests : moto.calls).length, 0, 'nobody else is asked')
      }
      forget()
      const looks = [atEcr, atOwn, atEcr, atOwn].map((each) => registries.for(each).resolve(each, 'check', access))
      t.same(await Promise.all(looks), [ofEcr, ofOwn, ofEcr, ofOwn], 'nor do they mix when both are asked at once')
      t.notOk(moto.calls.some(({ body }) => body.includes(account.password)))
    }
    forget()
    const { registries, transport } = openRegistries(settings)
    t.teardown(() => transport.close())
    await Promise.all([atOwn, atEcr].map((each) => registries.for(each).resolve(each, 'check', access)))
    assertOwnCredentials(t, two)
  },
)

t.test('B10 a provider that is named for one image decides nothing about another', async (t) => {
  const { moto, program, settings, atEcr, atOwn, ofEcr, ofOwn, forget } = await twoRegistries(t)
  const { registries, transport } = openRegistries(settings)
  t.teardown(() => transport.close())
  const access = { credentials: pullSecret }
  for (const [named, provider, other, kind] of [
    [atEcr, 'ecr', atOwn, 'oci'],
    [atOwn, 'oci', atEcr, 'ecr'],
    [atOwn, 'harbor', atEcr, 'ecr'],
  ] as const) {
    t.equal(registries.for(named, provider).kind, provider)
    t.equal(registries.for(other).kind, kind, `${kind} beside ${provider}`)
    t.equal(await registries.for(other).resolve(other, 'check', access), other === atEcr ? ofEcr : ofOwn)
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
  const { following, close } = makeRegistries(settings, undefined, { onChange: () => undefined })
  t.teardown(close)
  const follow = (key: string, repository: Repository) =>
    following.follow(key, {
      repository,
      tag: 'check',
      credentials: pullSecret,
      versionSyntax: 'v[0-9]+',
      intervalSeconds: 5,
    })
  follow('workload', atEcr)
  follow('verification', atOwn)
  const offers = () => [following.offer('workload'), following.offer('verification')]
  await until('both to be known', () => offers().every(({ state }) => state === 'known'))
  t.match(offers(), [{ version: { digest: ofEcr, name: 'v1' } }, { version: { digest: ofOwn, name: 'v2' } }])
  assertOwnCredentials(t, two)
})
