/**
 * Azure's workload identity. Entra ID takes the token of a service account for an access token, and the registry takes that
 * for a refresh token, which serves as any identity token: three plain requests, and no secret
 * (azure.github.io/azure-workload-identity; azure.github.io/acr/AAD-OAuth.html).
 */
import { readFile } from 'node:fs/promises'
import { messageOf } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import type { CloudIdentity } from '../credentials/cloud-identity.ts'
import { type Granted, KeptToken } from '../credentials/kept-token.ts'
import { type Exchanged, exchangeToken, identityUnavailable } from '../credentials/token-exchange.ts'
import { Lru } from '../lru.ts'
import type { Credentials } from '../registry.ts'
import { abortable } from '../transport/abortable.ts'
import type { Transport } from '../transport/transport.ts'
import { ManagedIdentity } from './azure-managed.ts'

/** What Azure's webhook puts into the environment of a pod that has an identity. */
export interface AzureAccount {
  readonly clientId: string
  readonly tenantId: string
  /** The token of the service account. */
  readonly assertion: () => Promise<string>
  /** `https://login.microsoftonline.com`, or that of a sovereign cloud. */
  readonly authority: string
}

const scope = 'https://containerregistry.azure.net/.default'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** The registry's refresh tokens last three hours (AAD-OAuth.html); Entra's need to last only until they are exchanged. */
const refreshTokenMs = 3 * 3_600_000
const refusedForMs = 60_000
const mostRegistries = 1_000

export class AzureIdentity implements CloudIdentity {
  readonly #transport: Transport
  readonly #account: AzureAccount | ManagedIdentity | undefined
  readonly #clock: Clock | undefined
  readonly #kept = new Lru<KeptToken>(mostRegistries)
  readonly #refusals = new Lru<string>(mostRegistries)

  constructor(transport: Transport, account: AzureAccount | ManagedIdentity | undefined, clock?: Clock) {
    this.#transport = transport
    this.#account = account
    this.#clock = clock
  }

  async credentials({ host }: Repository, signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    const account = this.#account
    if (account === undefined) return undefined
    const kept = this.#kept.get(host) ?? new KeptToken(this.#clock)
    this.#kept.set(host, kept)
    return await abortable(
      kept.get(() => this.#grant(account, host)),
      signal,
    )
  }

  story({ host }: Repository): string {
    const account = this.#account
    const how = this.#refusals.get(host)
    if (account === undefined || (account instanceof ManagedIdentity && how === undefined)) {
      const none = account === undefined ? '' : ', nor has its machine a managed one'
      return `This process has no workload identity of Azure's${none}: label its pod azure.workload.identity/use and annotate its service account with the client id.`
    }
    return `${nameOf(account)} was refused too (${how ?? 'no answer'}): ${remedyOf(account)}.`
  }

  denied(): string {
    if (this.#account === undefined) return ''
    return `It was asked as ${lowered(nameOf(this.#account))}: ${remedyOf(this.#account)}.`
  }

  async #grant(account: AzureAccount | ManagedIdentity, host: string): Promise<Granted> {
    const entra = account instanceof ManagedIdentity ? await account.token() : await this.#federated(account)
    if (entra === undefined) {
      this.#refusals.delete(host)
      return { credentials: undefined, lifetimeMs: refusedForMs }
    }
    if ('refusal' in entra) return this.#refused(host, entra.refusal)
    const form = { grant_type: 'access_token', service: host, access_token: entra.token }
    const { tenantId } = account
    const registry = await this.#post(
      new URL(`${this.#transport.originOf(host)}/oauth2/exchange`),
      tenantId === undefined ? form : { ...form, tenant: tenantId },
      host,
    )
    if ('refusal' in registry) return this.#refused(host, registry.refusal)
    this.#refusals.delete(host)
    return { credentials: { kind: 'identity-token', token: registry.token }, lifetimeMs: refreshTokenMs }
  }

  #refused(host: string, how: string): Granted {
    this.#refusals.set(host, how)
    return { credentials: undefined, lifetimeMs: refusedForMs }
  }

  async #federated({ clientId, tenantId, assertion, authority }: AzureAccount): Promise<Exchanged> {
    return await this.#post(new URL(`${authority}/${tenantId}/oauth2/v2.0/token`), {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_assertion_type: assertionType,
      client_assertion: await assertion(),
      scope,
    })
  }

  async #post(url: URL, form: Readonly<Record<string, string>>, name = url.host): Promise<Exchanged> {
    return await exchangeToken(
      this.#transport,
      { url, name, body: new URLSearchParams(form) },
      ({ access_token, refresh_token }) => refresh_token ?? access_token,
    )
  }
}

const nameOf = (account: AzureAccount | ManagedIdentity): string =>
  account instanceof ManagedIdentity ? account.name : `The workload identity ${account.clientId}`
const remedyOf = (account: AzureAccount | ManagedIdentity): string =>
  account instanceof ManagedIdentity ? account.remedy : 'give it the role AcrPull'
const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** Undefined outside of a pod with a workload identity. */
export function accountOf(env: Readonly<Record<string, string | undefined>>): AzureAccount | undefined {
  const { AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE } = env
  if (!AZURE_CLIENT_ID || !AZURE_TENANT_ID || !AZURE_FEDERATED_TOKEN_FILE) return undefined
  const authority = authorityOf(env)
  return {
    clientId: AZURE_CLIENT_ID,
    tenantId: AZURE_TENANT_ID,
    assertion: () => readToken(AZURE_FEDERATED_TOKEN_FILE, authority),
    authority,
  }
}

/** Entra ID's address, with nothing behind the host but what the setting says. */
export const authorityOf = ({ AZURE_AUTHORITY_HOST }: Readonly<Record<string, string | undefined>>): string =>
  (AZURE_AUTHORITY_HOST || 'https://login.microsoftonline.com').replace(/\/+$/, '')

async function readToken(file: string, authority: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw identityUnavailable(new URL(authority).host, `the token in ${file} cannot be read (${messageOf(error)})`)
  }
}
