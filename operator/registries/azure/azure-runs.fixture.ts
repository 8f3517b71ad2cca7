/** For tests: the contract's runs for Azure Container Registry, in each access mode. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { login } from '../oci/auth/token-services.fixture.ts'
import { anonymous } from '../registry.ts'
import { benchBehind, type ContractRun, type Named, stranger } from '../testing/contract-bench.fixture.ts'
import { azureCloud, host, tenantId } from './azure.fixture.ts'

type Cloud = Awaited<ReturnType<typeof azureCloud>>
type Own = Awaited<ReturnType<Named['own']>>

function run(as: string, own: (t: Test, cloud: Cloud) => Own | Promise<Own>, isPublic = false): ContractRun {
  const start: ContractRun['start'] = async (t) => {
    const cloud = await azureCloud(t, { isPublic })
    const given = await own(t, cloud)
    const { special } = cloud
    return await benchBehind(t, { host, kind: 'acr', special, own: () => Promise.resolve({ untags: false, ...given }) })
  }
  return { as, start }
}

/** Without an identity of the process, and without searching the network for one. */
const nobody = { identity: { cloudIdentity: false } } as const

export const azureRuns: readonly ContractRun[] = [
  run('for everybody', () => ({ credentials: login, reader: anonymous, strangers: [stranger], deps: nobody }), true),
  run('with a pull secret', () => ({ credentials: login, strangers: [anonymous, stranger], deps: nobody })),

  run('with the identity of the workload', async (t, { entra, writers }) => {
    const file = join(t.testdir({}), 'token')
    await writeFile(file, 'token-of-the-pod\n')
    writers.add('manager token-of-the-pod')
    const env = {
      AZURE_CLIENT_ID: 'manager',
      AZURE_TENANT_ID: tenantId,
      AZURE_FEDERATED_TOKEN_FILE: file,
      AZURE_AUTHORITY_HOST: `http://${entra.host}/`,
    }
    return { credentials: anonymous, strangers: [stranger], deps: { env } }
  }),

  run('with the identity of the machine', (_, { metadata, writers }) => {
    writers.add('managed')
    const endpoints = { 'azure-metadata': `http://${metadata.host}` }
    return { credentials: anonymous, strangers: [stranger], deps: { endpoints } }
  }),

  run('in the name of a service account', (_, { entra, writers }) => {
    writers.add('writer token-of-shop-writer')
    const env = { AZURE_AUTHORITY_HOST: `http://${entra.host}`, AZURE_TENANT_ID: tenantId }
    const annotations = { 'azure.workload.identity/client-id': 'writer' }
    return {
      credentials: testAccount('shop', 'writer', annotations),
      strangers: [anonymous, stranger, testAccount('bank', 'writer', annotations)],
      deps: { ...nobody, env },
    }
  }),
]
