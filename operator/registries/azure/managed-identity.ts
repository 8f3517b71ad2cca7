/**
 * The managed identity of the machine: Azure's metadata service issues tokens to whoever asks from there
 * (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token). MSAL's client for it has one
 * network module and one token cache for the whole process, so cvmanager sends this one request itself.
 */
import { LRUCache } from 'lru-cache'
import {
  askMetadata,
  identityUnavailable,
  metadataAddress,
  TokenRefused,
  usableToken,
} from '../credentials/token-service.ts'
import { parseObject } from '../oci/manifest.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import type { Transport } from '../transport/transport.ts'

const resource = 'https://containerregistry.azure.net'
/** A machine outside Azure stays outside. */
const absentMs = 600_000
/** All registries that are asked at the same time share one token. */
const sharedMs = 10_000

type Deps = Pick<RegistryDeps, 'transport' | 'endpoints' | 'env' | 'clock'>

export class ManagedIdentity {
  readonly name: string
  readonly remedy: string
  /** The token has it too. */
  readonly tenantId: string | undefined
  readonly #tokens: LRUCache<'token', { readonly token: string | undefined }>

  constructor({ transport, endpoints, env, clock }: Deps) {
    const clientId = env.AZURE_CLIENT_ID || undefined
    this.tenantId = env.AZURE_TENANT_ID || undefined
    this.name = `managed identity ${clientId ?? 'of the machine'}`
    this.remedy =
      clientId === undefined
        ? 'grant it the role AcrPull, and if the machine has several name one in AZURE_CLIENT_ID'
        : 'assign it to the machine, and grant it the role AcrPull'
    const machine = endpoints['azure-metadata'] ?? `http://${metadataAddress}`
    this.#tokens = new LRUCache<'token', { readonly token: string | undefined }>({
      max: 1,
      perf: clock,
      ttlResolution: 0,
      fetchMethod: async (_key, _stale, { options }) => {
        const token = await tokenOfMachine(transport, machine, clientId)
        options.ttl = token === undefined ? absentMs : sharedMs
        return { token }
      },
    })
  }

  /**
   * `undefined` outside Azure.
   * @throws TransientError while the service cannot answer; TokenRefused
   */
  async token(): Promise<string | undefined> {
    return (await this.#tokens.forceFetch('token')).token
  }
}

async function tokenOfMachine(transport: Transport, machine: string, clientId: string | undefined) {
  const path = `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(resource)}`
  const url = new URL(clientId === undefined ? path : `${path}&client_id=${encodeURIComponent(clientId)}`, machine)
  const answer = await askMetadata(transport, url, { metadata: 'true' })
  // Other clouds have a service at that address too, which does not know this path.
  if (answer === undefined || answer.status === 403 || answer.status === 404) return undefined
  const { status, body } = answer
  // 410 is an update of the service, which takes a minute.
  if (status >= 500 || status === 429 || status === 410) throw identityUnavailable(url.host, `answered ${status}`)
  const { error, access_token } = parseObject(body) ?? {}
  const isUnknown = error === 'invalid_request'
  if (status !== 200)
    throw new TokenRefused(url, `${url.host} answered ${status}${isUnknown ? ' (no such identity)' : ''}`)
  const token = usableToken(access_token)
  if (token === undefined) throw new TokenRefused(url, `${url.host} answered without a token`)
  return token
}
