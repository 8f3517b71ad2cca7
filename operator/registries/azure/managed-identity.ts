/**
 * The managed identity of the machine: Azure's metadata service issues tokens to whoever asks from there
 * (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { INetworkModule } from '@azure/msal-node'
import { LRUCache } from 'lru-cache'
import { metadataAddress } from '../credentials/token-service.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import { MsalTransport, NoManagedIdentity, tokenOf } from './msal-transport.ts'

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
    const machine = `http://${metadataAddress}`
    const moved = { [machine]: endpoints['azure-metadata'] ?? machine }
    this.#tokens = new LRUCache<'token', { readonly token: string | undefined }>({
      max: 1,
      perf: clock,
      ttlResolution: 0,
      fetchMethod: async (_key, _stale, { options }) => {
        const token = await acquire(new MsalTransport(transport, moved), clientId)
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

/** MSAL uses the network client of its first application for all others, so this one asks for the transport of the caller. */
const callers = new AsyncLocalStorage<MsalTransport>()
const networkClient: INetworkModule = {
  sendGetRequestAsync: (url, options) => caller().sendGetRequestAsync(url, options),
  sendPostRequestAsync: (url, options) => caller().sendPostRequestAsync(url, options),
}

function caller(): MsalTransport {
  const transport = callers.getStore()
  if (transport === undefined) throw new Error('a managed identity was requested without a transport')
  return transport
}

async function acquire(transport: MsalTransport, clientId: string | undefined): Promise<string | undefined> {
  const { ManagedIdentityApplication } = await import('@azure/msal-node')
  const application = new ManagedIdentityApplication({
    ...(clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } }),
    system: { networkClient, disableInternalRetries: true },
  })
  try {
    // All applications share one cache, too.
    const request = { resource, forceRefresh: true }
    return await callers.run(transport, () => tokenOf(transport, () => application.acquireToken(request)))
  } catch (error) {
    if (error instanceof NoManagedIdentity) return undefined
    throw error
  }
}
