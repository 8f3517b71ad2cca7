import t from 'tap'
import { settingOf } from '../../config/schema.ts'
import { systemClock } from '../../time/clock.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { Registries } from '../registries.ts'
import { anonymous } from '../registry.ts'
import { digest, googleCloud, web } from './google.fixture.ts'
import { poolNamed } from './google-pool.ts'
import { GoogleServiceAccount } from './google-service-account.ts'

type Cloud = Awaited<ReturnType<typeof googleCloud>>

const email = 'reader@my-project.iam.gserviceaccount.com'
const provider = 'projects/123/locations/global/workloadIdentityPools/clusters/providers/prod'
const annotation = { 'iam.gke.io/gcp-service-account': email }

const registriesOf = ({ transport, endpoints }: Cloud, googleWorkloadIdentity = '', cloudIdentity = true) =>
  new Registries({ transport, clock: systemClock, endpoints, env: {}, googleWorkloadIdentity, cloudIdentity }).for(web)

t.test('on GKE a service account is exchanged for what it is at Google, each for itself', async (t) => {
  const cloud = await googleCloud(t)
  const { exchanges, readers, seen, metadata } = cloud
  const registry = registriesOf(cloud)
  readers.add('federated-for-token-of-shop-reader').add('federated-for-token-of-bank-reader')
  for (const namespace of ['shop', 'bank']) {
    const credentials = testAccount(namespace, 'reader')
    const looks = [1, 2, 3].map(() => registry.resolve(web, 'env-prod', { credentials: { ...credentials } }))
    t.same(await Promise.all(looks), [digest, digest, digest])
    t.same(credentials.audiences, ['my-project.svc.id.goog'], 'one token, for the pool alone')
  }
  t.same(
    exchanges,
    ['shop', 'bank'].map((namespace) => ({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience:
        'identitynamespace:my-project.svc.id.goog:https://container.googleapis.com/v1/projects/my-project/locations/europe-west1/clusters/prod',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: `token-of-${namespace}-reader`,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    })),
  )
  t.same(seen, [
    'oauth2accesstoken:federated-for-token-of-shop-reader',
    'oauth2accesstoken:federated-for-token-of-bank-reader',
  ])
  t.notOk(
    metadata.asked.some((asked) => asked.includes('/token')),
    'the manager itself was nobody',
  )
})

t.test('elsewhere the settings name the provider, and the annotation an account of IAM’s', async (t) => {
  const cloud = await googleCloud(t)
  const registry = registriesOf(cloud, provider)
  cloud.readers.add(`token-of-${email}`)
  const credentials = testAccount('shop', 'reader', annotation)
  t.equal(await registry.resolve(web, 'env-prod', { credentials }), digest)
  t.same(credentials.audiences, [`https://iam.googleapis.com/${provider}`])
  t.equal(cloud.exchanges[0]?.audience, `//iam.googleapis.com/${provider}`)
  t.same(cloud.iam.asked, [
    `POST /v1/projects/-/serviceAccounts/${email}:generateAccessToken Bearer federated-for-token-of-shop-reader`,
  ])
  t.same(cloud.metadata.asked, [])
})

t.test('an annotation that is no account of IAM’s never becomes part of an address', async (t) => {
  const cloud = await googleCloud(t)
  for (const written of ['', '../x', `${email}/../y`, 'a b@x.gserviceaccount.com', 'me@example.com', `${email}\n`]) {
    const credentials = testAccount('shop', 'reader', { 'iam.gke.io/gcp-service-account': written })
    await t.rejects(registriesOf(cloud, provider).resolve(web, 'env-prod', { credentials }), {
      reason: 'ServiceAccountNotAnnotated',
      message: /annotation iam\.gke\.io\/gcp-service-account of no use/,
    })
  }
  t.same([...cloud.exchanges, ...cloud.iam.asked], [])
})

t.test('without a pool it is said which setting is missing, and nothing is asked', async (t) => {
  const cloud = await googleCloud(t)
  cloud.cluster.metadata = undefined
  const credentials = testAccount('shop', 'reader')
  const missing = {
    name: 'NeedsChangeError',
    reason: 'ServiceAccountNotSupported',
    message: /shop\/reader.*--google-workload-identity projects\/NUMBER\/.*or name a pull secret/,
  }
  const registry = registriesOf(cloud)
  for (let i = 0; i < 3; i++) await t.rejects(registry.resolve(web, 'env-prod', { credentials }), missing)
  t.equal(cloud.metadata.asked.length, 1, 'nor is the metadata server at each look')
  await t.rejects(registriesOf(cloud, '', false).resolve(web, 'env-prod', { credentials }), missing)
  t.equal(cloud.metadata.asked.length, 1, 'nor at all where that is switched off')
  t.same([...credentials.audiences, ...cloud.exchanges, ...cloud.registry.asked], [])
})

t.test('who refused, and what to grant, is told without a token', async (t) => {
  const cloud = await googleCloud(t)
  const look = async (of: Record<string, string> = {}) => {
    const credentials = testAccount('shop', 'reader', of)
    const refused = await registriesOf(cloud, provider).resolve(web, 'env-prod', { credentials }).catch(String)
    t.notMatch(refused, /token-of|federated-for/)
    return refused
  }
  const denied = /RegistryRefusal|NeedsChangeError.*service account shop\/reader/
  const body = '{"error":"invalid_grant","error_description":"The audience in token-of-shop-reader does not match"}'
  cloud.refusals.sts = { status: 403, body }
  const refused = await look()
  t.match(refused, denied)
  t.match(refused, /answered 403 \(invalid_grant\)\): check that \/\/iam\.googleapis\.com\/projects\/123\/.* trusts/)

  cloud.refusals.sts = undefined
  cloud.refusals.iam = { status: 403, body: '{"error":{"code":403,"status":"PERMISSION_DENIED","message":"x"}}' }
  const foreign = await look(annotation)
  t.match(foreign, /may not be reader@my-project.*403 \(PERMISSION_DENIED\)\): .*roles\/iam\.workloadIdentityUser/)

  t.match(await look(), /refused the credentials .*Give it the role roles\/artifactregistry\.reader there/)

  cloud.refusals.sts = { status: 503, body: '' }
  t.match(await look(), /TransientError: .*could not do so: answered 503/)
})

t.test('a token is kept until shortly before its end, and a refusal for a minute', async (t) => {
  const cloud = await googleCloud(t)
  const clock = new SteppedTime()
  const places = { pool: provider, metadata: undefined, sts: cloud.endpoints['google-sts'] }
  const identity = new GoogleServiceAccount(cloud.transport, testAccount('shop', 'reader'), places, clock)
  const ask = () => Promise.all([1, 2, 3].map(() => identity.credentials(web, undefined)))
  const token = { kind: 'basic', username: 'oauth2accesstoken', password: 'federated-for-token-of-shop-reader' }
  t.same(await ask(), [token, token, token])
  await clock.advance(2_800_000)
  await ask()
  t.equal(cloud.exchanges.length, 1)
  cloud.refusals.sts = { status: 400, body: '<html>' }
  await clock.advance(200_000)
  t.same(await ask(), [undefined, undefined, undefined])
  t.equal(cloud.exchanges.length, 2)
  cloud.refusals.sts = undefined
  await clock.advance(60_000)
  t.same(await ask(), [token, token, token])
})

t.test('a ContainerVersion without the field is the manager’s alone', async (t) => {
  const cloud = await googleCloud(t)
  const look = registriesOf(cloud, provider).resolve(web, 'env-prod', { credentials: anonymous })
  await t.rejects(look, { message: /No account of Google's cloud was found for this process/ })
  t.same(cloud.exchanges, [])
})

t.test('what the setting allows is what is understood', async (t) => {
  const { pattern } = settingOf('googleWorkloadIdentity')
  const texts = [
    provider,
    `//iam.googleapis.com/${provider}`,
    'projects/example.com:shop/locations/europe-west1/clusters/prod',
    'projects/x/locations/global/workloadIdentityPools/p/providers/q',
    `https://iam.googleapis.com/${provider}`,
    `${provider}\n`,
    'projects/a/locations/b/clusters/c/d',
    '',
  ]
  for (const text of texts) t.equal(pattern?.test(text), poolNamed(text) !== undefined, text)
  t.equal(texts.filter((text) => poolNamed(text)).length, 3)
})
