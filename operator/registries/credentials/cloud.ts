import type { Credentials } from '../registry.ts'
import type { ServiceAccount } from './service-account.ts'

/** A cloud that issues credentials for its registries to workloads. */
export interface Cloud {
  /** Only what this cloud issues opens its registries. */
  readonly ignoresPullSecrets?: boolean
  /**
   * For this process; absent when the settings do not allow it.
   * @throws TransientError when the cloud cannot be asked now
   */
  readonly issueOwn?: ((host: string) => Promise<Issued>) | undefined
  /**
   * For a tenant's service account, and never for this process instead.
   * @throws NeedsChangeError when the account lacks something; TransientError as `issueOwn`
   */
  issueFor(account: ServiceAccount, host: string): Promise<Issued>
}

export interface Issued {
  /** Anonymous when there is no identity or the cloud refused it; `identity` then says so. */
  readonly credentials: Credentials
  /** For how long the credentials, or the refusal, are valid. */
  readonly lifetimeMs: number
}

/** How long a refusal is cached: short for whoever fixes the cause, and long enough not to ask the cloud at each poll. */
export const refusedForMs = 60_000

/** @param remedy as in `CloudIdentity` */
export const refused = (name: string, remedy: string, lifetimeMs = refusedForMs): Issued => ({
  credentials: { kind: 'anonymous', identity: { name, remedy } },
  lifetimeMs,
})
