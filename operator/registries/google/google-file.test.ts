import { createVerify, generateKeyPairSync } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../time/clock.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { opened } from '../testing/opened.fixture.ts'
import { peer } from '../testing/peer.ts'
import { digest, googleCloud, web } from './google.fixture.ts'
import { faultOf } from './google-file.ts'

const audience = '//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/ci/providers/github'
const email = 'ci@my-project.iam.gserviceaccount.com'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })

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
  const openedWith = (clock: Clock = systemClock) => opened({ transport, clock, endpoints, env })
  const poll = () => openedWith().poll(web, 'env-prod')
  const sts = `http://${cloud.sts.host}/v1/token`
  const write = (content: unknown) =>
    writeFile(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return { ...cloud, directory, openedWith, poll, write, stsUrl: sts }
}

t.test('a token in a file is exchanged, and read anew each time', async (t) => {
  const { write, directory, readers, stsUrl, exchanges, metadata, openedWith } = await withFile(t)
  const tokenFile = join(directory, 'token')
  await write(externalAccount(stsUrl, { file: tokenFile, format: { type: 'text' } }))
  await writeFile(tokenFile, 'first\n')
  readers.add('federated-for-first')
  const clock = new SteppedTime()
  const { accessTo } = openedWith(clock)
  const ask = () => Promise.all([1, 2, 3].map(async () => (await accessTo(web)).credentials))
  const token = (password: string) => ({ kind: 'basic', username: 'oauth2accesstoken', password })
  t.match(await ask(), Array(3).fill(token('federated-for-first')))
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
  t.match(await ask(), Array(3).fill(token('federated-for-first')))
  await clock.advance(200_000)
  t.match(await ask(), Array(3).fill(token('federated-for-second')))
  t.equal(exchanges.length, 2)
  t.same(metadata.asked, [], 'the metadata server is not asked')
})

t.test("a workflow's token is fetched from a URL and exchanged for that of an IAM account", async (t) => {
  const { write, poll, readers, stsUrl, iam, lifetimes } = await withFile(t)
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
  t.equal(await poll(), digest)
  t.same(issuer.asked, ['GET /token?audience=x Bearer of-the-job'])
  t.same(lifetimes, ['1200s'])

  await write(externalAccount(stsUrl, { ...source, headers: { Authorization: 'Bearer secret-of-old' } }))
  const refused = await poll().catch(String)
  t.match(
    refused,
    /cannot use the file .*credentials\.json, which GOOGLE_APPLICATION_CREDENTIALS names: 127\.0\.0\.1:\d+ answered 401\. Or name a pull secret/,
  )
  t.notMatch(refused, 'secret-of-old')
})

t.test('the key of a service account signs for a token', async (t) => {
  const { write, poll, readers, stsUrl, exchanges } = await withFile(t)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const key = { type: 'service_account', client_email: email, private_key, private_key_id: 'k1', token_uri: stsUrl }
  await write(key)
  readers.add('federated-for-eyJ')
  t.equal(await poll(), digest)
  const [{ grant_type, assertion = '' } = {}] = exchanges
  t.equal(grant_type, 'urn:ietf:params:oauth:grant-type:jwt-bearer')
  const [header = '', claims = '', signature = ''] = assertion.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  t.same(read(header), { alg: 'RS256' })
  const { iat, exp, ...who } = read(claims)
  t.same(who, { iss: email, scope: 'https://www.googleapis.com/auth/cloud-platform', aud: stsUrl })
  t.equal(exp - iat, 3600)
  t.ok(Math.abs(iat - Date.now() / 1000) < 60)
  t.ok(createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url'))

  await write({ ...key, private_key: 'hunter2-secret' })
  const refused = await poll().catch(String)
  t.match(refused, /its private_key is not an RSA key in PEM/)
  t.notMatch(refused, 'hunter2-secret')
})

t.test('the message says what is wrong with the file, and public images are still read', async (t) => {
  const { poll, write, registry, stsUrl, refusals, directory } = await withFile(t)
  t.match(await poll().catch(String), /cannot use the file .*: ENOENT/)
  await write('{"private_key": "hunter2-secret"')
  const notJson = await poll().catch(String)
  t.match(notJson, /names: it is not JSON\./)
  t.notMatch(notJson, 'hunter2')

  await write(externalAccount(stsUrl, { file: join(directory, 'missing') }))
  t.match(await poll().catch(String), /cannot use the file .*missing does not exist/)
  await writeFile(join(directory, 'token'), '')
  await write(externalAccount(stsUrl, { file: join(directory, 'token') }))
  t.match(await poll().catch(String), /names: Unable to parse the subject_token from the credential_source file/)

  await writeFile(join(directory, 'token'), 'of-pod')
  refusals.sts = { status: 400, body: '{"error":"invalid_target"}' }
  t.match(await poll().catch(String), /answered 400 \(invalid_target\)/)
  refusals.sts = undefined
  t.match(
    await poll().catch(String),
    /refused the credentials .*names: grant their account the role Artifact Registry Reader/,
  )
  refusals.sts = { status: 500, body: '' }
  await t.rejects(poll(), { name: 'TransientError', reason: 'RegistryUnavailable' })

  await write('[]')
  registry.answer = (_, response) => response.writeHead(200, { 'docker-content-digest': digest }).end()
  t.equal(await poll(), digest)
})

t.test('no token is sent without TLS, and the message names the invalid field', async (t) => {
  const token = { file: '/token' }
  const sts = 'https://sts.googleapis.com/v1/token'
  const user = { type: 'authorized_user', client_id: 'gcloud', client_secret: 's', refresh_token: 'r' }
  for (const [fields, fault] of [
    [{ type: 'impersonated_service_account' }, /its type is not/],
    [{ ...externalAccount(sts, token), audience: '' }, /no audience/],
    [externalAccount('http://sts.googleapis.com/v1/token', token), /token_url is not an https address/],
    [externalAccount('https://user:pw@sts.googleapis.com/v1/token', token), /token_url/],
    [externalAccount(sts, { certificate: { use_default_certificate_config: true } }), /neither a file/],
    [externalAccount(sts, { executable: { command: 'rm' } }), /GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1/],
    [externalAccount(sts, { file: '/x', format: { type: 'json' } }), /subject_token_field_name/],
    [
      externalAccount(sts, token, { service_account_impersonation_url: 'http://iam.example.com/' }),
      /impersonation_url/,
    ],
    [{ type: 'service_account', client_email: email }, /private_key/],
    [{ type: 'service_account', client_email: email, private_key: pem, token_uri: 'ftp://x' }, /token_uri/],
    [{ ...user, refresh_token: '' }, /refresh_token/],
    [{ ...user, token_uri: 'http://example.com/' }, /token_uri/],
  ] as const) {
    t.match(faultOf(fields), fault)
  }
  t.equal(faultOf({ type: 'service_account', client_email: email, private_key: pem }), undefined)
  t.equal(faultOf(user), undefined)
})

t.test('the login of a person with gcloud is refreshed', async (t) => {
  const { write, poll, readers, exchanges, stsUrl, refusals } = await withFile(t)
  // The library asks https://oauth2.googleapis.com/token. A token_uri leads elsewhere, as in the keys of service accounts.
  await write({
    type: 'authorized_user',
    client_id: 'gcloud',
    client_secret: 'secret-of-gcloud',
    refresh_token: 'refresh-me',
    token_uri: stsUrl,
  })
  readers.add('federated-for-refresh-me')
  t.equal(await poll(), digest)
  t.match(exchanges, [{ grant_type: 'refresh_token', client_id: 'gcloud', refresh_token: 'refresh-me' }])
  refusals.sts = { status: 400, body: '{"error":"invalid_grant","error_description":"refresh-me has expired"}' }
  const refused = await poll().catch(String)
  t.match(refused, /answered 400 \(invalid_grant\)\. Or name a pull secret/)
  t.notMatch(refused, /refresh-me|secret-of-gcloud/)
})

t.test('an AWS role is proven by a request that is signed with credentials of the metadata service', async (t) => {
  const { write, poll, readers, stsUrl, exchanges } = await withFile(t)
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
    const before = process.env[name]
    delete process.env[name]
    t.teardown(() => before !== undefined && Object.assign(process.env, { [name]: before }))
  }
  // docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html, recorded by hand.
  const key = { AccessKeyId: 'ASIATEST', SecretAccessKey: 'secret-of-aws', Token: 'session' }
  const ec2 = await peer(t, (request, response) => {
    if (request.method === 'PUT') return response.end('imds-token')
    if (request.headers['x-aws-ec2-metadata-token'] !== 'imds-token') return response.writeHead(401).end()
    if (request.url === '/zone') return response.end('eu-west-1b')
    return response.end(request.url === '/roles' ? 'reader' : JSON.stringify(key))
  })
  await write({
    ...externalAccount(stsUrl, {
      environment_id: 'aws1',
      region_url: `http://${ec2.host}/zone`,
      url: `http://${ec2.host}/roles`,
      imdsv2_session_token_url: `http://${ec2.host}/token`,
      regional_cred_verification_url: 'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
    }),
    subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
  })
  readers.add('federated-by-aws')
  t.equal(await poll(), digest)
  const [{ subject_token = '', subject_token_type } = {}] = exchanges
  t.equal(subject_token_type, 'urn:ietf:params:aws:token-type:aws4_request')
  t.match(JSON.parse(decodeURIComponent(subject_token)), {
    url: 'https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
    method: 'POST',
  })
  t.match(decodeURIComponent(subject_token), /ASIATEST\/\d{8}\/eu-west-1\/sts\/aws4_request/)
  t.notMatch(decodeURIComponent(subject_token), 'secret-of-aws')
  t.ok(ec2.asked.includes('GET /roles/reader'))
})

t.test('a program supplies the token if the environment allows it, and its output is never shown', async (t) => {
  const { write, poll, readers, stsUrl, directory } = await withFile(t)
  const allowed = 'GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES'
  t.teardown(() => delete process.env[allowed])
  const command = join(directory, 'token-program')
  const says = async (output: string) => {
    await writeFile(command, `#!/bin/sh\necho '${output}'\n`)
    await chmod(command, 0o755)
  }
  await write(externalAccount(stsUrl, { executable: { command, timeout_millis: 5_000 } }))
  const token_type = 'urn:ietf:params:oauth:token-type:jwt'
  await says(JSON.stringify({ version: 1, success: true, token_type, id_token: 'of-the-program' }))
  readers.add('federated-for-of-the-program')
  t.match(await poll().catch(String), /a program, which runs only if the environment has GOOGLE_EXTERNAL_ACCOUNT/)
  process.env[allowed] = '1'
  t.equal(await poll(), digest)
  await says('hunter2-secret')
  const refused = await poll().catch(String)
  t.match(refused, /the program of its credential_source gave no token/)
  t.notMatch(refused, 'hunter2')
})
