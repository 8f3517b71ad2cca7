/** For tests: what gets malformed answers, by the kinds of `registryKinds`. A test checks that none is missing. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type fc from 'fast-check'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { roleAnnotation } from '../ecr/aws-cloud.ts'
import { awsAnswer } from '../ecr/malformed-answers.fixture.ts'
import type { RegistriesOptions } from '../registries.ts'
import { anonymous } from '../registry.ts'
import type { Malformed } from './malformed-answers.fixture.ts'
import type { Login } from './opened.fixture.ts'

/** No error message may contain it. */
export const secret = 'hunter2-secret'

export interface Place {
  /** The server's address, also for every API beside the registry's. */
  readonly server: string
  /** For files. It is deleted afterwards. */
  readonly directory: string
}

export interface Subject {
  /** With several hosts, each has a lane of its own, and all are asked at the same time. */
  readonly hosts: readonly string[]
  /** Tells the ways apart in which a kind can be asked. */
  readonly as?: string
  deps?(place: Place): Partial<RegistriesOptions>
  readonly answers?: fc.Arbitrary<Malformed>
}

export const mirror = 'mirror.example.com'
const google = 'europe-docker.pkg.dev'
const azure = 'shop.azurecr.io'
const harbor = 'harbor.example.com'
const own = 'registry.example.com'
/** Fewer than the clients that EcrApi keeps. */
const accountsOfEcr = 50

const ecrHosts = Array.from(
  { length: accountsOfEcr },
  (_, i) => `123456789${String(i).padStart(3, '0')}.dkr.ecr.eu-west-1.amazonaws.com`,
)
const mirrored = { host: mirror, prefix: 'm', credentials: () => Promise.resolve(anonymous) }
const googleAt = (server: string) => ({ 'google-metadata': server, 'google-sts': server, 'google-iam': server })

export const subjects: Readonly<Record<string, readonly Subject[]>> = {
  dockerhub: [{ hosts: ['docker.io'], deps: ({ server }) => ({ endpoints: { 'docker-hub': server } }) }],
  ghcr: [{ hosts: ['ghcr.io'] }],
  quay: [{ hosts: ['quay.io'] }],
  gar: [
    { hosts: [google], deps: ({ server }) => ({ endpoints: googleAt(server) }) },
    { hosts: [google], as: 'by a credentials file', deps: credentialsFile },
  ],
  acr: [
    { hosts: [azure], as: 'by the identity of the workload', deps: workload },
    { hosts: [azure], as: 'by the identity of the machine', deps: machine },
  ],
  ecr: [{ hosts: ecrHosts, deps: ({ server }) => ({ endpoints: { ecr: server, sts: server } }), answers: awsAnswer }],
  harbor: [{ hosts: [harbor], deps: () => ({ providers: new Map([[harbor, 'harbor']]) }) }],
  oci: [
    { hosts: [own] },
    { hosts: [own], as: 'by way of a mirror', deps: () => ({ mirrors: new Map([[own, mirrored]]) }) },
  ],
}

function credentialsFile({ server, directory }: Place): Partial<RegistriesOptions> {
  const file = join(directory, 'credentials.json')
  const external = {
    type: 'external_account',
    audience: 'a',
    subject_token_type: 't',
    token_url: `${server}/sts`,
    service_account_impersonation_url: `${server}/iam`,
    credential_source: { url: `${server}/subject`, format: { type: 'json', subject_token_field_name: 'token' } },
  }
  writeFileSync(file, JSON.stringify(external))
  const identity = { googleWorkloadIdentity: 'projects/1/locations/global/workloadIdentityPools/p/providers/q' }
  return { endpoints: googleAt(server), env: { GOOGLE_APPLICATION_CREDENTIALS: file }, identity }
}

function workload({ server, directory }: Place): Partial<RegistriesOptions> {
  const file = join(directory, 'token')
  writeFileSync(file, secret)
  const who = { AZURE_CLIENT_ID: 'c', AZURE_TENANT_ID: 't', AZURE_FEDERATED_TOKEN_FILE: file }
  return { env: { ...who, AZURE_AUTHORITY_HOST: server } }
}

function machine({ server }: Place): Partial<RegistriesOptions> {
  // Service accounts ask Entra ID: nothing here leaves this machine.
  return { endpoints: { 'azure-metadata': server }, env: { AZURE_AUTHORITY_HOST: server } }
}

const annotations = {
  [roleAnnotation]: 'arn:aws:iam::123456789012:role/reader',
  'azure.workload.identity/client-id': 'c',
  'azure.workload.identity/tenant-id': 't',
  'iam.gke.io/gcp-service-account': 'reader@my-project.iam.gserviceaccount.com',
}

export const pullSecrets: readonly Login[] = [
  anonymous,
  { kind: 'basic', username: 'ann', password: secret },
  { kind: 'identity-token', token: secret },
]

/** Named by the lane, whose answers its exchange gets. */
export const accountOf = (lane: number): Login => testAccount('shop', `lane-${lane}`, annotations)
