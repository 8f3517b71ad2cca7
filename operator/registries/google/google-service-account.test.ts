import t from 'tap'
import { settingOf } from '../../config/schema.ts'
import { type Clock, systemClock } from '../../time/clock.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { type Login, opened } from '../testing/opened.fixture.ts'
import { digest, googleCloud, web } from './google.fixture.ts'
import { poolNamed } from './google-pool.ts'

type Cloud = Awaited<ReturnType<typeof googleCloud>>

const email = 'reader@my-project.iam.gserviceaccount.com'
const provider = 'projects/123/locations/global/workloadIdentityPools/clusters/providers/prod'
const annotation = { 'iam.gke.io/gcp-service-account': email }

function openedAt(
  { transport, endpoints }: Cloud,
  googleWorkloadIdentity = '',
  cloudIdentity = true,
  clock: Clock = systemClock,
) {
  const identity = { googleWorkloadIdentity, cloudIdentity }
  const made = opened({ transport, clock, endpoints, env: {}, identity })
  return { ...made, poll: (login?: Login) => made.poll(web, 'env-prod', login) }
}

t.test('on GKE each service account gets an access token of its own', async (t) => {
  const cloud = await googleCloud(t)
  const { exchanges, readers, seen, metadata } = cloud
  const { poll } = openedAt(cloud)
  readers.add('federated-for-token-of-shop-reader').add('federated-for-token-of-bank-reader')
  for (const namespace of ['shop', 'bank']) {
    const account = testAccount(namespace, 'reader')
    const polls = [1, 2, 3].map(() => poll({ ...account }))
    t.same(await Promise.all(polls), [digest, digest, digest])
    t.same(account.audiences, ['my-project.svc.id.goog'], 'one token, for the pool alone')
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
    'the identity of the manager is not used',
  )
})

t.test('elsewhere the settings name the provider, and the annotation an IAM account', async (t) => {
  const cloud = await googleCloud(t)
  const { poll } = openedAt(cloud, provider)
  cloud.readers.add(`token-of-${email}`)
  const account = testAccount('shop', 'reader', annotation)
  t.equal(await poll(account), digest)
  t.same(account.audiences, [`https://iam.googleapis.com/${provider}`])
  t.equal(cloud.exchanges[0]?.audience, `//iam.googleapis.com/${provider}`)
  t.same(cloud.iam.asked, [
    `POST /v1/projects/-/serviceAccounts/${email}:generateAccessToken Bearer federated-for-token-of-shop-reader`,
  ])
  t.same(cloud.metadata.asked, [])
})

t.test('an annotation that is not an IAM account never becomes part of an address', async (t) => {
  const cloud = await googleCloud(t)
  for (const written of ['', '../x', `${email}/../y`, 'a b@x.gserviceaccount.com', 'me@example.com', `${email}\n`]) {
    const account = testAccount('shop', 'reader', { 'iam.gke.io/gcp-service-account': written })
    await t.rejects(openedAt(cloud, provider).poll(account), {
      reason: 'ServiceAccountNotAnnotated',
      message: /invalid annotation iam\.gke\.io\/gcp-service-account\. /,
    })
  }
  t.same([...cloud.exchanges, ...cloud.iam.asked], [])
})

t.test('without a pool, the message names the missing setting, and no service is asked', async (t) => {
  const cloud = await googleCloud(t)
  cloud.cluster.metadata = undefined
  const account = testAccount('shop', 'reader')
  const missing = {
    name: 'NeedsChangeError',
    reason: 'ServiceAccountNotSupported',
    message: /shop\/reader.*--google-workload-identity projects\/NUMBER\/.*or name a pull secret/,
  }
  const { poll } = openedAt(cloud)
  for (let i = 0; i < 3; i++) await t.rejects(poll(account), missing)
  t.equal(cloud.metadata.asked.length, 1, 'nor is the metadata server at each poll')
  await t.rejects(openedAt(cloud, '', false).poll(account), missing)
  t.equal(cloud.metadata.asked.length, 1, 'nor at all where that is switched off')
  t.same([...account.audiences, ...cloud.exchanges, ...cloud.registry.asked], [])
})

t.test('the message says who refused and what to grant, and contains no token', async (t) => {
  const cloud = await googleCloud(t)
  const poll = async (of: Record<string, string> = {}) => {
    const refused = await openedAt(cloud, provider)
      .poll(testAccount('shop', 'reader', of))
      .catch(String)
    t.notMatch(refused, /token-of|federated-for/)
    return refused
  }
  const denied = /RegistryRefusal|NeedsChangeError.*service account shop\/reader/
  const body = '{"error":"invalid_grant","error_description":"The audience in token-of-shop-reader does not match"}'
  cloud.refusals.sts = { status: 403, body }
  const refused = await poll()
  t.match(refused, denied)
  t.match(refused, /answered 403 \(invalid_grant\)\): check that \/\/iam\.googleapis\.com\/projects\/123\/.* trusts/)

  cloud.refusals.sts = undefined
  cloud.refusals.iam = { status: 403, body: '{"error":{"code":403,"status":"PERMISSION_DENIED","message":"x"}}' }
  const foreign = await poll(annotation)
  t.match(foreign, /may not act as reader@my-project.*403 \(PERMISSION_DENIED\)\): .*roles\/iam\.workloadIdentityUser/)

  t.match(await poll(), /refused the credentials .*Grant it the role roles\/artifactregistry\.reader /)

  cloud.refusals.sts = { status: 503, body: '' }
  t.match(await poll(), /TransientError: .*could not do so: answered 503/)
})

t.test('a token is used until shortly before its end, and a refusal is believed for a minute', async (t) => {
  const cloud = await googleCloud(t)
  const clock = new SteppedTime()
  const { accessTo } = openedAt(cloud, provider, false, clock)
  const account = testAccount('shop', 'reader')
  const ask = () => Promise.all([1, 2, 3].map(async () => (await accessTo(web, account)).credentials))
  const token = { kind: 'basic', username: 'oauth2accesstoken', password: 'federated-for-token-of-shop-reader' }
  t.match(await ask(), [token, token, token])
  await clock.advance(2_800_000)
  await ask()
  t.equal(cloud.exchanges.length, 1)
  cloud.refusals.sts = { status: 400, body: '<html>' }
  await clock.advance(200_000)
  const nobody = { kind: 'anonymous', identity: { remedy: /answered 400/ } }
  t.match(await ask(), [nobody, nobody, nobody])
  t.equal(cloud.exchanges.length, 2)
  cloud.refusals.sts = undefined
  await clock.advance(60_000)
  t.match(await ask(), [token, token, token])
})

t.test('a ContainerVersion without the field uses the identity of the manager only', async (t) => {
  const cloud = await googleCloud(t)
  await t.rejects(openedAt(cloud, provider).poll(), { message: /found no Google Cloud identity for this process/ })
  t.same(cloud.exchanges, [])
})

t.test('the setting allows exactly the names that are understood', async (t) => {
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
