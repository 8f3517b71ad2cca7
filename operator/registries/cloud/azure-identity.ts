/**
 * Azure's workload identity. Entra ID takes the token of a service account for an access token, and the registry takes that
 * for a refresh token, which serves as any identity token: three plain requests, and no secret
 * (azure.github.io/azure-workload-identity; azure.github.io/acr/AAD-OAuth.html).
 */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../clock.ts'
import { messageOf, TransientError } from '../../errors.ts'
import { abortable } from '../abortable.ts'
import { Lru } from '../lru.ts'
import { parseObject } from '../manifest.ts'
import type { Credentials, Repository } from '../registry.ts'
import { Paused, type Transport, Unreachable } from '../transport.ts'
import type { CloudIdentity } from './identity.ts'
import { type Granted, KeptToken } from './kept-token.ts'

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
const usable = /^[\x21-\x7e]{1,32768}$/

export class AzureIdentity implements CloudIdentity {
  readonly #transport: Transport
  readonly #account: AzureAccount | undefined
  readonly #clock: Clock | undefined
  readonly #kept = new Lru<KeptToken>(mostRegistries)
  readonly #refusals = new Lru<string>(mostRegistries)

  constructor(transport: Transport, account: AzureAccount | undefined, clock?: Clock) {
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
    if (this.#account === undefined) {
      return "This process has no workload identity of Azure's: label its pod azure.workload.identity/use and annotate its service account with the client id."
    }
    return `The workload identity ${this.#account.clientId} was refused too (${this.#refusals.get(host) ?? 'no answer'}): give it the role AcrPull.`
  }

  async #grant(account: AzureAccount, host: string): Promise<Granted> {
    const { clientId, tenantId, assertion, authority } = account
    const entra = await this.#post(new URL(`${authority}/${tenantId}/oauth2/v2.0/token`), {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_assertion_type: assertionType,
      client_assertion: await assertion(),
      scope,
    })
    if (entra.token === undefined) return this.#refused(host, `${new URL(authority).host} answered ${entra.status}`)
    const registry = await this.#post(new URL(`${this.#transport.originOf(host)}/oauth2/exchange`), {
      grant_type: 'access_token',
      service: host,
      tenant: tenantId,
      access_token: entra.token,
    })
    if (registry.token === undefined) return this.#refused(host, `${host} answered ${registry.status}`)
    this.#refusals.delete(host)
    return { credentials: { kind: 'identity-token', token: registry.token }, lifetimeMs: refreshTokenMs }
  }

  #refused(host: string, how: string): Granted {
    this.#refusals.set(host, how)
    return { credentials: undefined, lifetimeMs: refusedForMs }
  }

  async #post(url: URL, form: Readonly<Record<string, string>>): Promise<{ status: number; token?: string }> {
    try {
      const { status, body } = await this.#transport.send({
        host: url.host,
        purpose: 'token',
        method: 'POST',
        origin: url.origin,
        path: url.pathname,
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
        destination: 'configured',
        urgent: true,
      })
      if (status >= 500 || status === 429) throw unavailable(url.host, `answered ${status}`)
      const { access_token, refresh_token } = (status === 200 && parseObject(body)) || {}
      const token = refresh_token ?? access_token
      return typeof token === 'string' && usable.test(token) ? { status, token } : { status }
    } catch (error) {
      if (error instanceof Unreachable || error instanceof Paused) throw unavailable(url.host, error.message)
      throw error
    }
  }
}

const unavailable = (host: string, how: string): TransientError =>
  new TransientError(
    'RegistryUnavailable',
    `${host}, which was to exchange a workload identity for a token, could not do so: ${how}. It is tried again.`,
  )

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
    throw unavailable(new URL(authority).host, `the token in ${file} cannot be read (${messageOf(error)})`)
  }
}
