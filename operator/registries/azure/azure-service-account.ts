/** Azure's workload identity of a tenant's service account: who it is stands in its annotations, as for Azure's own webhook. */

import type { Repository } from '../../images/reference.ts'
import type { CloudIdentity } from '../credentials/cloud-identity.ts'
import { annotated, nameOfAccount, type ServiceAccount } from '../credentials/service-account.ts'
import type { Credentials } from '../registry.ts'
import { abortable } from '../transport/abortable.ts'
import type { Transport } from '../transport/transport.ts'
import { type AzureAccount, AzureIdentity, authorityOf } from './azure-identity.ts'

const audience = 'api://AzureADTokenExchange'
const client = {
  annotation: 'azure.workload.identity/client-id',
  shape: /^[0-9A-Za-z-]{1,64}$/,
  example: '00000000-0000-0000-0000-000000000000',
}
/** An identifier, or a domain: it becomes part of an address. */
const tenant = {
  annotation: 'azure.workload.identity/tenant-id',
  shape: /^[0-9A-Za-z](?:[0-9A-Za-z-]|\.(?!\.)){0,252}$/,
  example: '00000000-0000-0000-0000-000000000000',
}

type Environment = Readonly<Record<string, string | undefined>>

export class AzureServiceAccount implements CloudIdentity {
  readonly #transport: Transport
  readonly #account: ServiceAccount
  readonly #env: Environment
  #reading: Promise<AzureIdentity> | undefined
  #identity: AzureIdentity | undefined

  constructor(transport: Transport, account: ServiceAccount, env: Environment) {
    this.#transport = transport
    this.#account = account
    this.#env = env
  }

  async credentials(repository: Repository, signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    this.#reading ??= this.#read().catch((error: unknown) => {
      this.#reading = undefined
      throw error
    })
    this.#identity = await abortable(this.#reading, signal)
    return await this.#identity.credentials(repository, signal)
  }

  story(repository: Repository): string {
    return `${this.#whom} ${this.#identity?.story(repository) ?? ''}`
  }

  denied(): string {
    return `${this.#whom} ${this.#identity?.denied() ?? ''}`
  }

  get #whom(): string {
    return `It was asked in the name of the service account ${nameOfAccount(this.#account)} (spec.serviceAccountName).`
  }

  async #read(): Promise<AzureIdentity> {
    const account = await azureAccountOf(this.#account, this.#env)
    return new AzureIdentity(this.#transport, account)
  }
}

/** The tenant is the manager's where the account does not say another. */
async function azureAccountOf(account: ServiceAccount, env: Environment): Promise<AzureAccount> {
  const annotations = await account.annotations()
  const tenantId = annotations[tenant.annotation] ?? (env.AZURE_TENANT_ID || undefined)
  return {
    clientId: annotated(account, annotations[client.annotation], client),
    tenantId: annotated(account, tenantId, tenant),
    assertion: () => account.token(audience),
    authority: authorityOf(env),
  }
}
