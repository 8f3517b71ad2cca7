/** ECR's API: one client for each registry, whose errors become the error classes of cvmanager. */
import type { ECRClient, ECRClientConfig } from '@aws-sdk/client-ecr'
import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { answerInvalid, type Subject } from '../failures.ts'
import { sendAndFollow } from '../oci/redirects.ts'
import type { Access, Credentials } from '../registry.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import type { Answer } from '../transport/transport.ts'
import { noCredentials } from './aws-cloud.ts'
import { awsFailure } from './failures.ts'
import { handlerFor, type SdkOptions } from './handler.ts'
import { type EcrHost, parseEcrHost } from './host.ts'

/** The SDK retries a transient fault once. The poller decides about later retries. */
const maxAttempts = 2
/** Hosts that tenants make up are not kept forever. */
const maxClients = 100

type AwsCredentials = Extract<Credentials, { readonly kind: 'aws' }>

export type Sdk = typeof import('./sdk.ts')

/** One call by a client of the SDK. */
export type Send<T> = (sdk: Sdk, client: ECRClient, options: SdkOptions) => Promise<T>

export class EcrApi {
  readonly #deps: RegistryDeps
  readonly #clients = new LRUCache<string, ECRClient>({ max: maxClients, dispose: (client) => client.destroy() })

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  /** The repository, and the account whose registry it is in, as commands name them. */
  placeOf({ host, path }: Repository): { readonly registryId: string; readonly repositoryName: string } {
    return { registryId: ecrHostOf(host).account, repositoryName: path }
  }

  /**
   * @throws as `Registry.resolve`, with the SDK's exception as the cause; the signal's reason when it is aborted
   */
  async call<T>(subject: Subject, action: string, send: Send<T>, access: Access): Promise<T> {
    const { credentials, signal, urgent = false } = access
    const { host } = subject.repository
    signal?.throwIfAborted()
    if (credentials.kind !== 'aws') throw noCredentials(host)
    try {
      const sdk = await import('./sdk.ts')
      const client = this.#clientFor(sdk, host, credentials)
      return await send(sdk, client, signal === undefined ? { urgent } : { abortSignal: signal, urgent })
    } catch (error) {
      signal?.throwIfAborted()
      throw awsFailure(subject, action, error, access)
    }
  }

  /** Downloads from an address that ECR gave. It belongs to S3 and needs no credentials. */
  async download(subject: Subject, url: string, access: Access): Promise<Answer> {
    const { signal, urgent } = access
    const target = URL.canParse(url) ? new URL(url) : undefined
    const own = this.#endpointOf(ecrHostOf(subject.repository.host).region)
    const isOwn = own !== undefined && target?.origin === new URL(own).origin
    if (target === undefined || !(target.protocol === 'https:' || isOwn)) {
      throw answerInvalid(subject, 'the address of a layer that is not one of HTTPS')
    }
    try {
      return await sendAndFollow(
        this.#deps.transport,
        {
          host: subject.repository.host,
          purpose: 'blob',
          method: 'GET',
          origin: target.origin,
          path: `${target.pathname}${target.search}`,
          headers: {},
          destination: isOwn ? 'settings' : 'answered',
          credential: credentialId(access.credentials),
          urgent,
          signal,
        },
        subject,
      )
    } catch (error) {
      signal?.throwIfAborted()
      throw awsFailure(subject, 's3:GetObject', error, access)
    }
  }

  /** One client for each host and credential, so that tenants share nothing. A person may correct the secret alone. */
  #clientFor(sdk: Sdk, name: string, credentials: AwsCredentials): ECRClient {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const key = [name, accessKeyId, secretAccessKey, sessionToken].join(' ')
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const { region, fips, dualStack } = ecrHostOf(name)
    const endpoint = this.#endpointOf(region)
    const config: ECRClientConfig = {
      region,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
      maxAttempts,
      requestHandler: handlerFor(this.#deps.transport, name, credentialId(credentials)),
      // The SDK has no such variants of a custom endpoint.
      ...(endpoint === undefined ? { useFipsEndpoint: fips, useDualstackEndpoint: dualStack } : { endpoint }),
    }
    const client = new sdk.ECRClient(config)
    this.#clients.set(key, client)
    return client
  }

  /** One address for all regions, or one for each: `ecr`, `ecr.eu-west-1`. */
  #endpointOf(region: string): string | undefined {
    const { endpoints } = this.#deps
    return endpoints[`ecr.${region}`] ?? endpoints.ecr
  }
}

function ecrHostOf(name: string): EcrHost {
  const host = parseEcrHost(name)
  if (host !== undefined) return host
  throw new NeedsChangeError('RegistryHostMismatch', `${name} is not a host of a private ECR registry`)
}
