import t from 'tap'
import { userOf } from '../../commands/tags/credentials-in-words.ts'
import { parseReference } from '../../images/reference.ts'
import { systemClock } from '../../time/clock.ts'
import { RegistryRefusal } from '../failures.ts'
import { Registries, usesPullSecrets } from '../registries.ts'
import { anonymous, type Registry } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { ByServiceAccount } from './by-service-account.ts'
import { credentialId } from './credential-id.ts'
import { testAccount } from './service-account.fixture.ts'
import { nameOfAccount } from './service-account.ts'

const web = { host: 'registry.example.com', path: 'shop/web' }

t.test('an account is told apart by its namespace and name, never by a token, which no text shows', async (t) => {
  const one = testAccount('shop', 'reader')
  const again = { ...testAccount('shop', 'reader'), token: () => Promise.resolve('another') }
  t.equal(credentialId(one), credentialId(again))
  t.not(credentialId(one), credentialId(testAccount('bank', 'reader')))
  t.not(credentialId(one), credentialId(testAccount('shop', 'other')))
  t.not(credentialId(testAccount('a', 'b/c')), credentialId(testAccount('a/b', 'c')))
  await one.token('x')
  t.equal(userOf(one), 'service account shop/reader')
  t.notMatch(JSON.stringify(one), 'token-of')
})

t.test('a registry that knows no such identity says so, and is not asked at all', async (t) => {
  const server = await peer(t, (_, response) => response.writeHead(500).end())
  const transport = transportTo(t, [server.host])
  const registries = new Registries({ transport, clock: systemClock, endpoints: {}, env: {} })
  const credentials = testAccount('shop', 'reader')
  const images = ['nginx', 'ghcr.io/shop/web', 'quay.io/shop/web', `${server.host}/shop/web`]
  for (const image of images) {
    const { repository } = parseReference(image)
    const refused = {
      name: 'NeedsChangeError',
      reason: 'ServiceAccountNotSupported',
      message: new RegExp(`${repository.host} cannot .* shop/reader.*name a pull secret for ${repository.host}`),
    }
    const registry = registries.for(repository)
    await t.rejects(registry.resolve(repository, 'x', { credentials }), refused)
    await t.rejects(registry.tags(repository, { credentials })[Symbol.asyncIterator]().next(), refused)
  }
  t.same(server.asked, [])
  t.same(credentials.audiences, [])
})

t.test('only where they open something are pull secrets used before the account', async (t) => {
  const uses = (image: string) => usesPullSecrets(parseReference(image).repository)
  t.notOk(uses('123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web'))
  t.ok(uses('public.ecr.aws/shop/web'))
  t.ok(uses('shop.azurecr.io/web'))
  t.ok(uses('registry.example.com/shop/web'))
})

/** Of which nothing is asked but tags, and who is made for whom is counted. */
function counted() {
  const made: string[] = []
  let now = 0
  const of = (who: string): Registry => {
    made.push(who)
    const registry: Partial<Registry> = {
      resolve: (_, tag, { credentials }) => {
        if (tag !== 'denied') return Promise.resolve(`${who}:${credentials.kind}` as const)
        return Promise.reject(new RegistryRefusal('RegistryAccessDenied', 'the registry said no', 'Ask the manager.'))
      },
      async *tags() {
        yield [who]
      },
    }
    return registry as Registry
  }
  const kind: RegistryKind = {
    kind: 'counted',
    serves: () => true,
    make: () => of('manager'),
    serviceAccounts: { make: (_, account) => of(nameOfAccount(account)), remedy: () => 'Mend its role.' },
  }
  const deps = { transport: {} as never, clock: systemClock, endpoints: {}, env: {} }
  const registry = new ByServiceAccount(kind, deps, { now: () => now })
  const pass = (ms: number) => {
    now += ms
  }
  return { made, registry, pass }
}

t.test('each account has a registry of its own, which is kept, and made anew after an hour', async (t) => {
  const { made, registry, pass } = counted()
  const as = (namespace: string) => ({ credentials: testAccount(namespace, 'reader') })
  for (let i = 0; i < 3; i++) {
    t.equal(await registry.resolve(web, 'x', { credentials: anonymous }), 'manager:anonymous')
    t.equal(await registry.resolve(web, 'x', as('shop')), 'shop/reader:anonymous', 'which finds its own credentials')
    t.equal(await registry.resolve(web, 'x', as('bank')), 'bank/reader:anonymous')
  }
  for await (const page of registry.tags(web, as('bank'))) t.same(page, ['bank/reader'])
  t.same(made, ['manager', 'shop/reader', 'bank/reader'])
  pass(3_600_000)
  await registry.resolve(web, 'x', as('shop'))
  t.same(made.slice(3), ['shop/reader'])
})

t.test(
  'who is refused is told of the account and not of the manager, and its annotations are read again',
  async (t) => {
    const { made, registry, pass } = counted()
    const access = { credentials: testAccount('shop', 'reader') }
    const message = /^the registry said no\. It was asked in the name of .* shop\/reader .*Mend its role\.$/
    for (let i = 0; i < 3; i++) await t.rejects(registry.resolve(web, 'denied', access), { message })
    t.equal(made.length, 2, 'but not at each look')
    pass(30_000)
    for (let i = 0; i < 3; i++) await t.rejects(registry.resolve(web, 'denied', access), { message })
    t.equal(made.length, 3)
    const own = registry.resolve(web, 'denied', { credentials: anonymous })
    await t.rejects(own, { message: 'the registry said no. Ask the manager.' })
  },
)
