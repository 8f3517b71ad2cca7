/** For tests: the contract's runs for Google Artifact Registry, in each access mode. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { benchBehind, type ContractRun, type Named, stranger } from '../testing/contract-bench.fixture.ts'
import { everything, reading, type TokenService } from '../testing/stand-in.fixture.ts'
import { googleCloud, host } from './google.fixture.ts'

type Cloud = Awaited<ReturnType<typeof googleCloud>>
type Own = Awaited<ReturnType<Named['own']>>

const keyFile: Credentials = { kind: 'basic', username: '_json_key', password: '{"type":"service_account"}' }
const metadataToken = 'ya29.token-of-the-node'

/**
 * cloud.google.com/artifact-registry/docs/docker/authentication: `oauth2accesstoken` and an access token, or `_json_key` and
 * a key; the realm is at the same host. It answers 401 to unknown users, and 403 without the role.
 */
const tokens = (admits: TokenService['admits']): TokenService => ({
  path: '/v2/token',
  service: host,
  admits,
  grant: (token) => ({ token, expires_in: 3600, issued_at: new Date().toISOString() }),
  refusal: { status: 403, body: { errors: [{ code: 'DENIED', message: 'Permission denied on resource' }] } },
})

function run(as: string, own: (t: Test, cloud: Cloud) => Own | Promise<Own>, isPublic = false): ContractRun {
  const start: ContractRun['start'] = async (t) => {
    const cloud = await googleCloud(t)
    const admits: TokenService['admits'] = ({ login }) => {
      if (login === undefined) return isPublic ? reading : undefined
      return cloud.readers.has(login.replace(/^oauth2accesstoken:/, '')) ? everything : undefined
    }
    const { deps, ...given } = await own(t, cloud)
    return await benchBehind(t, {
      host,
      kind: 'gar',
      special: { tokens: tokens(admits) },
      own: () =>
        Promise.resolve({ strangers: [anonymous, stranger], ...given, deps: { endpoints: cloud.endpoints, ...deps } }),
    })
  }
  return { as, start }
}

const withKey = ({ readers }: Cloud): { readonly credentials: Credentials } => {
  readers.add('_json_key:{"type":"service_account"}')
  return { credentials: keyFile }
}

export const googleRuns: readonly ContractRun[] = [
  run('for everybody', (_, cloud) => ({ ...withKey(cloud), reader: anonymous, strangers: [stranger] }), true),
  run('with a pull secret', (_, cloud) => withKey(cloud)),

  // cloud.google.com/compute/docs/metadata/querying-metadata: what a pod in Google Cloud gets.
  run('with the identity of the platform', (_, { cluster, readers }) => {
    const token = { access_token: metadataToken, expires_in: 3599, token_type: 'Bearer' }
    cluster.metadata = { 'instance/service-accounts/default/token': JSON.stringify(token) }
    readers.add(metadataToken)
    return { credentials: anonymous, strangers: [stranger] }
  }),

  run('with the credentials file of another platform', async (t, { sts, readers }) => {
    const directory = t.testdir({})
    const [file, subject] = [join(directory, 'credentials.json'), join(directory, 'token')]
    await writeFile(subject, 'token-of-the-pod')
    const audience = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q'
    const external = {
      type: 'external_account',
      audience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `http://${sts.host}/v1/token`,
      credential_source: { file: subject },
    }
    await writeFile(file, JSON.stringify(external))
    readers.add('federated-for-token-of-the-pod')
    return { credentials: anonymous, strangers: [stranger], deps: { env: { GOOGLE_APPLICATION_CREDENTIALS: file } } }
  }),

  run('in the name of a service account', (_, { readers }) => {
    const email = 'writer@my-project.iam.gserviceaccount.com'
    readers.add(`token-of-${email}`)
    const credentials = testAccount('shop', 'writer', { 'iam.gke.io/gcp-service-account': email })
    return { credentials, strangers: [anonymous, stranger, testAccount('bank', 'writer')] }
  }),
]
