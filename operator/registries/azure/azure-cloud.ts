/**
 * Azure's identities. Entra ID, or the metadata service of the machine, issues an access token; the registry exchanges it for
 * a refresh token, which is used as any identity token (azure.github.io/acr/AAD-OAuth.html).
 */
import { type Cloud, type Issued, refused } from '../credentials/cloud.ts'
import { annotated, askedAs, nameOfAccount, type ServiceAccount } from '../credentials/service-account.ts'
import { requestToken, TokenRefused, usableToken } from '../credentials/token-service.ts'
import { parseObject } from '../oci/manifest.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import { type Application, applicationOf, authorityOf, entraToken } from './entra.ts'
import { ManagedIdentity } from './managed-identity.ts'

const audience = 'api://AzureADTokenExchange'
const client = {
  annotation: 'azure.workload.identity/client-id',
  shape: /^[0-9A-Za-z-]{1,64}$/,
  example: '00000000-0000-0000-0000-000000000000',
}
/** An id or a domain: it becomes part of an address. */
const tenant = {
  annotation: 'azure.workload.identity/tenant-id',
  shape: /^[0-9A-Za-z](?:[0-9A-Za-z-]|\.(?!\.)){0,252}$/,
  example: '00000000-0000-0000-0000-000000000000',
}
/** How long the registry's refresh tokens are valid (AAD-OAuth.html). */
const refreshTokenMs = 3 * 3_600_000

/** Who asks for a token, and what to say about it. */
interface Principal {
  /** `workload identity 0a1b`, as messages have it. */
  readonly name: string
  readonly remedy: string
  readonly tenantId: string | undefined
  /** `undefined` if there is no such identity. */
  token(): Promise<string | undefined>
}

export class AzureCloud implements Cloud {
  readonly issueOwn: Cloud['issueOwn']
  readonly #deps: RegistryDeps

  constructor(deps: RegistryDeps) {
    const { env, identity } = deps
    this.#deps = deps
    if (identity?.cloudIdentity === false) return
    const application = applicationOf(env)
    const own = application === undefined ? new ManagedIdentity(deps) : this.#principal(application)
    this.issueOwn = (host) => this.#issue(host, own, own.name)
  }

  /** The account's annotations name its identity, as for Azure's own webhook. The tenant is the manager's by default. */
  async issueFor(account: ServiceAccount, host: string): Promise<Issued> {
    const annotations = await account.annotations()
    const tenantId = annotations[tenant.annotation] ?? (this.#deps.env.AZURE_TENANT_ID || undefined)
    const clientId = annotated(account, annotations[client.annotation], client)
    const own = this.#principal({
      kind: 'workload identity',
      clientId,
      tenantId: annotated(account, tenantId, tenant),
      proof: async () => ({ clientAssertion: await account.token(audience) }),
    })
    const name = `service account ${nameOfAccount(account)} as ${clientId} of ${tenantId}`
    return await this.#issue(host, own, name, `${askedAs(account)} `)
  }

  #principal(application: Application): Principal {
    const { kind, clientId, tenantId } = application
    const { transport, env } = this.#deps
    const token = () => entraToken(transport, authorityOf(env), application)
    return { name: `${kind} ${clientId}`, remedy: 'grant it the role AcrPull', tenantId, token }
  }

  async #issue(host: string, principal: Principal, name: string, prefix = ''): Promise<Issued> {
    const { remedy, tenantId } = principal
    try {
      const token = await principal.token()
      if (token === undefined) {
        const none = `${prefix}cvmanager found no Azure identity, neither of this process nor of its machine: label its pod azure.workload.identity/use and annotate its service account with the client id.`
        return refused(name, none)
      }
      const identity = { name, remedy: `${prefix}cvmanager used the ${principal.name}: ${remedy}.` }
      return {
        credentials: { kind: 'identity-token', token: await this.#exchange(host, token, tenantId, name), identity },
        lifetimeMs: refreshTokenMs,
      }
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      return refused(name, `${prefix}The ${principal.name} was refused too (${error.message}): ${remedy}.`)
    }
  }

  async #exchange(host: string, token: string, tenantId: string | undefined, credential: string): Promise<string> {
    const { transport } = this.#deps
    const url = new URL(`${transport.originOf(host)}/oauth2/exchange`)
    const form = { grant_type: 'access_token', service: host, access_token: token }
    const { body } = await requestToken(transport, {
      url,
      name: host,
      credential,
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(tenantId === undefined ? form : { ...form, tenant: tenantId }).toString(),
    })
    const refreshToken = usableToken(parseObject(body)?.refresh_token)
    if (refreshToken === undefined) throw new TokenRefused(url, `${host} answered without a refresh token`)
    return refreshToken
  }
}
