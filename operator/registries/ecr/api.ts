/** ECR's API: one client for each registry, and whatever it throws in this house's own classes. */
import type { ECRClient, ECRClientConfig } from '@aws-sdk/client-ecr'
import { backOffMs } from '../../discovery/polling/back-off.ts'
import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { monotonicClock } from '../../time/timing.ts'
import { type Asked, answerInvalid } from '../failures.ts'
import { Lru } from '../lru.ts'
import { sendAndFollow } from '../oci/redirects.ts'
import type { Access, Credentials } from '../registry.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import type { Answer } from '../transport/transport.ts'
import { noCredentials } from './aws-cloud.ts'
import { awsFailure, isThrottled, Throttled } from './failures.ts'
import { handlerFor } from './handler.ts'
import { type EcrHost, parseEcrHost } from './host.ts'

/** One try more of what the SDK takes for a passing fault; beyond that, those who poll know better when. */
const mostAttempts = 2
const firstPauseMs = 5_000
/** AWS throttles by the second: to ask once a minute costs it nothing. */
const longestPauseMs = 60_000
/** Hosts that tenants invent are not kept for ever. */
const mostClients = 100

export type Sdk = typeof import('./sdk.ts')

/** One call by a client of the SDK. */
export type Send<T> = (sdk: Sdk, client: ECRClient, options: { readonly abortSignal?: AbortSignal }) => Promise<T>

type AwsCredentials = Extract<Credentials, { readonly kind: 'aws' }>

class Account {
  readonly host: EcrHost
  readonly credentials: AwsCredentials
  client: ECRClient | undefined
  throttles = 0
  pausedUntil = 0
  /** Settles when the one call is over that asks whether ECR still refuses. */
  probe: Promise<void> | undefined

  constructor(host: EcrHost, credentials: AwsCredentials) {
    this.host = host
    this.credentials = credentials
  }
}

export class EcrApi {
  readonly #deps: RegistryDeps
  readonly #accounts = new Lru<Account>(mostClients)

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  /** What every command says of where it goes: the repository, and the account whose registry it is in. */
  placeOf({ host, path }: Repository): { readonly registryId: string; readonly repositoryName: string } {
    return { registryId: hostOf(host).account, repositoryName: path }
  }

  /** @throws as `Registry.resolve`; the signal's reason when it is aborted */
  async call<T>(asked: Asked, action: string, send: Send<T>, access: Access): Promise<T> {
    try {
      return await this.attempt(asked.repository, send, access)
    } catch (error) {
      access.signal?.throwIfAborted()
      throw awsFailure(asked, action, error, access)
    }
  }

  /** @throws what the SDK throws, `Throttled` among it */
  async attempt<T>({ host }: Repository, send: Send<T>, { credentials, signal }: Access): Promise<T> {
    const account = this.#accountOf(host, credentials)
    // After a refusal, one call finds out for all of them whether it is over.
    while (account.probe !== undefined) await account.probe
    signal?.throwIfAborted()
    const pausedMs = account.pausedUntil - monotonicClock.now()
    if (pausedMs > 0) throw new Throttled(pausedMs)
    const call = this.#call(account, host, send, signal)
    if (account.throttles > 0) {
      const over = () => {
        account.probe = undefined
      }
      account.probe = call.then(over, over)
    }
    return await call
  }

  async #call<T>(account: Account, host: string, send: Send<T>, signal: AbortSignal | undefined): Promise<T> {
    const sdk = await import('./sdk.ts')
    account.client ??= this.#clientFor(sdk, host, account)
    try {
      const answer = await send(sdk, account.client, signal === undefined ? {} : { abortSignal: signal })
      account.throttles = 0
      return answer
    } catch (error) {
      if (isThrottled(error)) throw new Throttled(this.#pause(account), { cause: error })
      account.throttles = 0
      throw error
    }
  }

  /** The content behind an address that ECR gave, which is of S3 and needs no credentials. */
  async download(asked: Asked, url: string, access: Access): Promise<Answer> {
    const { signal } = access
    const target = URL.canParse(url) ? new URL(url) : undefined
    const own = this.#endpointOf(hostOf(asked.repository.host).region)
    const isOwn = own !== undefined && target?.origin === new URL(own).origin
    if (target === undefined || !(target.protocol === 'https:' || isOwn)) {
      throw answerInvalid(asked, 'the address of a layer that is not one of HTTPS')
    }
    try {
      return await sendAndFollow(
        this.#deps.transport,
        {
          host: asked.repository.host,
          purpose: 'blob',
          method: 'GET',
          origin: target.origin,
          path: `${target.pathname}${target.search}`,
          headers: {},
          destination: isOwn ? 'configured' : 'answered',
          signal,
        },
        asked,
      )
    } catch (error) {
      signal?.throwIfAborted()
      throw awsFailure(asked, 's3:GetObject', error, access)
    }
  }

  #pause(account: Account): number {
    const now = monotonicClock.now()
    // Calls that were under way together, and refused together, are one refusal.
    if (account.pausedUntil > now) return account.pausedUntil - now
    account.throttles++
    const pauseMs = Math.min(backOffMs(account.throttles, firstPauseMs, Math.random), longestPauseMs)
    account.pausedUntil = now + pauseMs
    return pauseMs
  }

  /** One for each host and credential: nothing of one tenant is used for another. */
  #accountOf(name: string, credentials: Credentials): Account {
    const host = hostOf(name)
    if (credentials.kind !== 'aws') throw noCredentials(name)
    const key = `${name} ${credentials.accessKeyId}`
    const known = this.#accounts.get(key)
    if (known !== undefined) return known
    const made = new Account(host, credentials)
    this.#accounts.set(key, made)?.client?.destroy()
    return made
  }

  #clientFor(sdk: Sdk, name: string, { host, credentials }: Account): ECRClient {
    const { region, fips, dualStack } = host
    const endpoint = this.#endpointOf(region)
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const config: ECRClientConfig = {
      region,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
      maxAttempts: mostAttempts,
      requestHandler: handlerFor(this.#deps.transport, name),
      // The SDK's rules know no such variants of an address of one's own.
      ...(endpoint === undefined ? { useFipsEndpoint: fips, useDualstackEndpoint: dualStack } : { endpoint }),
    }
    return new sdk.ECRClient(config)
  }

  /** One address for all regions, or one for each: `ecr`, `ecr.eu-west-1`. */
  #endpointOf(region: string): string | undefined {
    const { endpoints } = this.#deps
    return endpoints[`ecr.${region}`] ?? endpoints.ecr
  }
}

function hostOf(name: string): EcrHost {
  const host = parseEcrHost(name)
  if (host !== undefined) return host
  throw new NeedsChangeError('RegistryHostMismatch', `${name} is not a host of a private ECR registry`)
}
