import { createVerify, generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../time/clock.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { Registries } from '../registries.ts'
import { anonymous } from '../registry.ts'
import { peer } from '../testing/peer.ts'
import { digest, googleCloud, web } from './google.fixture.ts'
import { parseGoogleFile } from './google-file.ts'
import { GoogleFileIdentity } from './google-file-identity.ts'

const access = { credentials: anonymous }
const audience = '//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/ci/providers/github'
const email = 'ci@my-project.iam.gserviceaccount.com'

/** A file as `gcloud iam workload-identity-pools create-cred-config` writes it (google.aip.dev/auth/4117). */
const externalAccount = (tokenUrl: string, source: unknown, more: Record<string, unknown> = {}) => ({
  universe_domain: 'googleapis.com',
  type: 'external_account',
  audience,
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: tokenUrl,
  credential_source: source,
  ...more,
})

async function withFile(t: Test) {
  const cloud = await googleCloud(t)
  const directory = t.testdir({})
  const file = join(directory, 'credentials.json')
  const { transport, endpoints } = cloud
  const env = { GOOGLE_APPLICATION_CREDENTIALS: file }
  const look = () =>
    new Registries({ transport, clock: systemClock, endpoints, env }).for(web).resolve(web, 'env-prod', access)
  const sts = `http://${cloud.sts.host}/v1/token`
  const write = (content: unknown) =>
    writeFile(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return { ...cloud, directory, file, look, write, stsUrl: sts }
}

t.test('a token in a file is exchanged, and read anew each time', async (t) => {
  const { write, directory, readers, stsUrl, exchanges, metadata, file, transport } = await withFile(t)
  const tokenFile = join(directory, 'token')
  await write(externalAccount(stsUrl, { file: tokenFile, format: { type: 'text' } }))
  await writeFile(tokenFile, 'first\n')
  readers.add('federated-for-first')
  const clock = new SteppedTime()
  const identity = new GoogleFileIdentity(transport, { file, clock })
  const ask = () => Promise.all([1, 2, 3].map(() => identity.credentials(web, undefined)))
  const token = (password: string) => ({ kind: 'basic', username: 'oauth2accesstoken', password })
  t.same(await ask(), Array(3).fill(token('federated-for-first')))
  t.same(exchanges, [
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience,
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: 'first',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    },
  ])
  await writeFile(tokenFile, 'second')
  await clock.advance(2_800_000)
  t.same(await ask(), Array(3).fill(token('federated-for-first')))
  await clock.advance(200_000)
  t.same(await ask(), Array(3).fill(token('federated-for-second')))
  t.equal(exchanges.length, 2)
  t.same(metadata.asked, [], 'and the metadata server is nobody’s business')
})

t.test('a token of a workflow is fetched from its url, and an account of IAM’s is taken on', async (t) => {
  const { write, look, readers, stsUrl, iam, lifetimes } = await withFile(t)
  const issuer = await peer(t, (request, response) => {
    if (request.headers.authorization !== 'Bearer of-the-job') return response.writeHead(401).end()
    return response.end('{"value":"of-github"}')
  })
  const url = `http://${issuer.host}/token?audience=x`
  const format = { type: 'json', subject_token_field_name: 'value' }
  const impersonation = {
    service_account_impersonation_url: `http://${iam.host}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`,
    service_account_impersonation: { token_lifetime_seconds: 1200 },
  }
  const source = { url, headers: { Authorization: 'Bearer of-the-job' }, format }
  await write(externalAccount(stsUrl, source, impersonation))
  readers.add(`token-of-${email}`)
  t.equal(await look(), digest)
  t.same(issuer.asked, ['GET /token?audience=x Bearer of-the-job'])
  t.same(lifetimes, ['1200s'])

  await write(externalAccount(stsUrl, { ...source, headers: { Authorization: 'Bearer secret-of-old' } }))
  const refused = await look().catch(String)
  t.match(
    refused,
    /credentials\.json, which GOOGLE_APPLICATION_CREDENTIALS names, was of no use: 127\.0\.0\.1:\d+ answered 401\. Or name a pull secret/,
  )
  t.notMatch(refused, 'secret-of-old')
})

t.test('the key of a service account signs for a token', async (t) => {
  const { write, look, readers, stsUrl, exchanges } = await withFile(t)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const key = { type: 'service_account', client_email: email, private_key, private_key_id: 'k1', token_uri: stsUrl }
  await write(key)
  readers.add('federated-for-eyJ')
  t.equal(await look(), digest)
  const [{ grant_type, assertion = '' } = {}] = exchanges
  t.equal(grant_type, 'urn:ietf:params:oauth:grant-type:jwt-bearer')
  const [header = '', claims = '', signature = ''] = assertion.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  t.same(read(header), { alg: 'RS256', typ: 'JWT', kid: 'k1' })
  const { iat, exp, ...who } = read(claims)
  t.same(who, { iss: email, scope: 'https://www.googleapis.com/auth/cloud-platform', aud: stsUrl })
  t.equal(exp - iat, 3600)
  t.ok(Math.abs(iat - Date.now() / 1000) < 60)
  t.ok(createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url'))

  await write({ ...key, private_key: 'hunter2-secret' })
  const refused = await look().catch(String)
  t.match(refused, /its private_key is no RSA key in PEM/)
  t.notMatch(refused, 'hunter2-secret')
})

t.test('what is wrong with the file is said, and public images are still read', async (t) => {
  const { look, write, registry, stsUrl, refusals, directory } = await withFile(t)
  t.match(await look().catch(String), /RegistryRefusal|.*was of no use: ENOENT/)
  await write('{"private_key": "hunter2-secret"')
  const notJson = await look().catch(String)
  t.match(notJson, /was of no use: it is not JSON\./)
  t.notMatch(notJson, 'hunter2')

  await write(externalAccount(stsUrl, { file: join(directory, 'missing') }))
  t.match(await look().catch(String), /was of no use: ENOENT.*missing/)
  await writeFile(join(directory, 'token'), '')
  await write(externalAccount(stsUrl, { file: join(directory, 'token') }))
  t.match(await look().catch(String), /there is no token in what .*token gave/)

  await writeFile(join(directory, 'token'), 'of-pod')
  refusals.sts = { status: 400, body: '{"error":"invalid_target"}' }
  t.match(await look().catch(String), /answered 400 \(invalid_target\)/)
  refusals.sts = undefined
  t.match(
    await look().catch(String),
    /refused the credentials .*names: give their account the role Artifact Registry Reader/,
  )
  refusals.sts = { status: 500, body: '' }
  await t.rejects(look(), { name: 'TransientError', reason: 'RegistryUnavailable' })

  await write('[]')
  registry.answer = (_, response) => response.writeHead(200, { 'docker-content-digest': digest }).end()
  t.equal(await look(), digest)
})

t.test('a token is sent to nobody without TLS, and strange sources are told', async (t) => {
  const of = (fields: object) => parseGoogleFile(JSON.stringify(fields))
  const token = { file: '/token' }
  const sts = 'https://sts.googleapis.com/v1/token'
  for (const [fields, fault] of [
    [{ type: 'authorized_user' }, /neither of type/],
    [{ ...externalAccount(sts, token), audience: '' }, /no audience/],
    [externalAccount('http://sts.googleapis.com/v1/token', token), /token_url that is no https address/],
    [externalAccount('https://user:pw@sts.googleapis.com/v1/token', token), /token_url/],
    [externalAccount(sts, { environment_id: 'aws1', url: 'http://169.254.169.254/x' }), /AWS and programs/],
    [externalAccount(sts, { executable: { command: 'rm' } }), /AWS and programs/],
    [externalAccount(sts, { file: '/x', format: { type: 'json' } }), /subject_token_field_name/],
    [
      externalAccount(sts, token, { service_account_impersonation_url: 'http://iam.example.com/' }),
      /impersonation_url/,
    ],
    [{ type: 'service_account', client_email: email }, /private_key/],
    [{ type: 'service_account', client_email: email, private_key: 'x', token_uri: 'ftp://x' }, /token_uri/],
  ] as const) {
    t.match(of(fields), fault)
  }
  t.match(of({ type: 'service_account', client_email: email, private_key: 'x' }), {
    tokenUrl: new URL('https://oauth2.googleapis.com/token'),
  })
})
