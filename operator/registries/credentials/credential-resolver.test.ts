import t from 'tap'
import { parseReference } from '../../images/reference.ts'
import { systemClock } from '../../time/clock.ts'
import { RegistryRefusal } from '../failures.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { opened } from '../testing/opened.fixture.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { type Cloud, refused } from './cloud.ts'
import { credentialId } from './credential-id.ts'
import { CredentialResolver } from './credential-resolver.ts'
import { currentCredentials } from './credential-source.ts'
import { DockerLogins } from './docker-logins.ts'
import { testAccount } from './service-account.fixture.ts'
import { nameOfAccount } from './service-account.ts'

const web = { host: 'registry.example.com', path: 'shop/web' }
const secret: Credentials = { kind: 'basic', username: 'secret', password: 'x' }

/** A cloud that counts what it issues, for an hour each; the account bank/denied is refused. */
function counted(written: Credentials = anonymous, more: Partial<Cloud> = {}) {
  const issued: string[] = []
  let now = 1
  const issue = (name: string) => {
    issued.push(name)
    if (name === 'bank/denied') return Promise.resolve(refused(name, 'Its role trusts nobody.'))
    const identity = { name, remedy: 'Grant it the role.' }
    const token = `${name} ${issued.length}`
    return Promise.resolve({ credentials: { kind: 'identity-token', token, identity } as const, lifetimeMs: 3_600_000 })
  }
  const cloud: Cloud = {
    issueOwn: () => issue('manager'),
    issueFor: (account) => issue(nameOfAccount(account)),
    ...more,
  }
  const config = written.kind === 'anonymous' ? [] : [{ pattern: web.host, credentials: written }]
  const resolver = new CredentialResolver({
    cloudOf: () => cloud,
    logins: new DockerLogins(config),
    clock: { now: () => now },
  })
  const ask = async (wanted: Omit<Parameters<CredentialResolver['resolve']>[0], 'repository'> = {}) => {
    const source = await resolver.resolve({ repository: web, ...wanted })
    const credentials = await currentCredentials(source)
    return {
      source,
      credentials,
      user: credentials.kind === 'basic' ? credentials.username : credentials.identity?.name,
    }
  }
  const pass = (ms: number) => {
    now += ms
  }
  return { issued, ask, pass, resolver }
}

t.test('a pull secret comes first, then the Docker config file, then the identity of the process', async (t) => {
  const file: Credentials = { kind: 'basic', username: 'file', password: 'x' }
  t.equal((await counted(file).ask({ found: secret })).user, 'secret')
  t.equal((await counted(file).ask()).user, 'file')
  t.equal((await counted().ask()).user, 'manager')
})

t.test('a service account comes after its pull secret, and nothing of the manager comes after it', async (t) => {
  const serviceAccount = testAccount('shop', 'reader')
  const file: Credentials = { kind: 'basic', username: 'file', password: 'x' }
  t.equal((await counted(file).ask({ found: secret, serviceAccount })).user, 'secret')
  t.equal((await counted(file).ask({ serviceAccount })).user, 'shop/reader')
  const { ask, issued } = counted(file)
  const { credentials } = await ask({ serviceAccount: testAccount('bank', 'denied') })
  t.match(credentials, { kind: 'anonymous', identity: { remedy: 'Its role trusts nobody.' } })
  t.same(issued, ['bank/denied'])
})

t.test('where only the cloud opens a registry, no other credentials are used', async (t) => {
  const file: Credentials = { kind: 'basic', username: 'file', password: 'x' }
  t.equal((await counted(file, { ignoresPullSecrets: true }).ask({ found: secret })).user, 'manager')
})

t.test(
  'S3 each account has credentials of its own, which are issued once and renewed before they expire',
  async (t) => {
    const { ask, issued, pass } = counted()
    const as = async (namespace: string) => await ask({ serviceAccount: testAccount(namespace, 'reader') })
    const [shop, again, bank] = [await as('shop'), await as('shop'), await as('bank')]
    t.same(issued, ['shop/reader', 'bank/reader'])
    t.equal(credentialId(shop.source), credentialId(again.source), 'polls of one account are shared')
    t.not(credentialId(shop.source), credentialId(bank.source))
    t.not(credentialId(shop.credentials), credentialId(bank.credentials))
    pass(3_000_000)
    const renewed = await as('shop')
    t.same(issued.slice(2), ['shop/reader'])
    t.not(renewed.credentials, shop.credentials)
    t.equal(credentialId(renewed.credentials), credentialId(shop.credentials), 'caches outlive a renewal')
  },
)

t.test('polls at the same time share one request, and aborting one does not abort it for the others', async (t) => {
  const { issued, resolver } = counted()
  const serviceAccount = testAccount('shop', 'reader')
  const source = await resolver.resolve({ repository: web, serviceAccount })
  const calledOff = AbortSignal.abort(new Error('called off'))
  const waiting = [1, 2, 3].map(() => currentCredentials(source))
  await t.rejects(currentCredentials(source, calledOff), { message: 'called off' })
  t.equal(new Set(await Promise.all(waiting)).size, 1)
  t.same(issued, ['shop/reader'])
})

t.test('after a refusal credentials are issued anew, once for all that share them', async (t) => {
  const { ask, issued, pass } = counted()
  const refusedOnce = () => ask({ serviceAccount: testAccount('shop', 'reader'), afresh: true })
  for (let i = 0; i < 3; i++) await refusedOnce()
  t.equal(issued.length, 1)
  pass(30_000)
  for (let i = 0; i < 3; i++) await refusedOnce()
  t.equal(issued.length, 2)
})

t.test('an id reveals nothing, and differs by namespace and name', async (t) => {
  const { resolver } = counted()
  const idOf = async (namespace: string, name: string) =>
    credentialId(await resolver.resolve({ repository: web, serviceAccount: testAccount(namespace, name) }))
  t.equal(await idOf('shop', 'reader'), await idOf('shop', 'reader'))
  t.not(await idOf('shop', 'reader'), await idOf('shop', 'other'))
  t.not(await idOf('shop', 'reader'), await idOf('bank', 'reader'))
  t.match(await idOf('shop', 'reader'), /^[\w-]{43}$/)
})

t.test('a registry without a cloud is never asked in the name of a service account', async (t) => {
  const server = await peer(t, (_, response) => response.writeHead(500).end())
  const { poll } = opened({ transport: transportTo(t, [server.host]), clock: systemClock, endpoints: {}, env: {} })
  const account = testAccount('shop', 'reader')
  for (const image of ['nginx', 'ghcr.io/shop/web', 'quay.io/shop/web', `${server.host}/shop/web`]) {
    const { repository } = parseReference(image)
    await t.rejects(poll(repository, 'x', account), {
      name: 'NeedsChangeError',
      reason: 'ServiceAccountNotSupported',
      message: new RegExp(`${repository.host} cannot .* shop/reader.*name a pull secret for ${repository.host}`),
    })
  }
  t.same(server.asked, [])
  t.same(account.audiences, [])
})

t.test('pull secrets are read only for registries that they open', async (t) => {
  const { resolver } = opened({ transport: transportTo(t, []), clock: systemClock, endpoints: {}, env: {} })
  const uses = (image: string) => resolver.usesPullSecrets(parseReference(image).repository)
  t.notOk(uses('123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web'))
  t.ok(uses('public.ecr.aws/shop/web'))
  t.ok(uses('shop.azurecr.io/web'))
  t.ok(uses('registry.example.com/shop/web'))
})

t.test('the refusal names the identity and what it needs', async (t) => {
  const server = await peer(t, (_, response) => response.writeHead(403).end())
  const origins = { 'shop.azurecr.io': `http://${server.host}` }
  const transport = transportTo(t, [], { origins })
  const { registries } = opened({ transport, clock: systemClock, endpoints: {}, env: {} })
  const repository = { host: 'shop.azurecr.io', path: 'web' }
  const { credentials } = await counted().ask()
  const refusal = await registries
    .for(repository)
    .resolve(repository, 'x', { credentials })
    .catch((error: unknown) => error)
  t.ok(refusal instanceof RegistryRefusal)
  t.match(refusal, {
    reason: 'RegistryAccessDenied',
    message:
      /refused the credentials .*\. Grant it the role\. Or name a pull secret for shop\.azurecr\.io in the workload's imagePullSecrets\.$/,
  })
})
