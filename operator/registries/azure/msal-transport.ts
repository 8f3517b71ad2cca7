/** MSAL over cvmanager's own transport: the same limits, deadline, size, CA, proxy and address checks. */
import type { AuthenticationResult, INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node'
import {
  askMetadata,
  identityUnavailable,
  requestToken,
  TokenRefused,
  usableToken,
} from '../credentials/token-service.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Answer, Transport } from '../transport/transport.ts'

/** One for each token: it keeps the error, which MSAL replaces by a general one. */
export class MsalTransport implements INetworkModule {
  failure: unknown
  readonly #transport: Transport
  readonly #moved: Readonly<Record<string, string>>

  /** @param moved origins that MSAL takes for granted, and where to ask instead */
  constructor(transport: Transport, moved: Readonly<Record<string, string>>) {
    this.#transport = transport
    this.#moved = moved
  }

  sendGetRequestAsync<T>(address: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#answering((url) => askMachine(this.#transport, url, options?.headers ?? {}), address)
  }

  sendPostRequestAsync<T>(
    address: string,
    { headers = {}, body }: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    return this.#answering((url) => requestToken(this.#transport, { url, method: 'POST', headers, body }), address)
  }

  async #answering<T>(send: (url: URL) => Promise<Answer>, address: string): Promise<NetworkResponse<T>> {
    const { origin } = new URL(address)
    const url = new URL(address.replace(origin, this.#moved[origin] ?? origin))
    try {
      const { status, body } = await send(url)
      const fields = parseObject(body) ?? {}
      if (usableToken(fields.access_token) === undefined)
        throw new TokenRefused(url, `${url.host} answered without a token`)
      return { status, body: fields as T, headers: {} }
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}

/** There is no metadata service here, or it knows nothing of managed identities. */
export class NoManagedIdentity extends Error {
  override readonly name = 'NoManagedIdentity'
}

/** @throws NoManagedIdentity; otherwise as `requestToken` */
async function askMachine(transport: Transport, url: URL, headers: Record<string, string>): Promise<Answer> {
  const { 'Content-Type': _, ...others } = headers
  const answer = await askMetadata(transport, url, others)
  // Other clouds have a service at that address too, which does not know this path.
  if (answer === undefined || answer.status === 403 || answer.status === 404) throw new NoManagedIdentity()
  const { status, body } = answer
  // 410 is an update of the service, which takes a minute.
  if (status >= 500 || status === 429 || status === 410) throw identityUnavailable(url.host, `answered ${status}`)
  const isUnknown = parseObject(body)?.error === 'invalid_request'
  if (status !== 200)
    throw new TokenRefused(url, `${url.host} answered ${status}${isUnknown ? ' (no such identity)' : ''}`)
  return answer
}

/** @throws what the transport threw, if it did */
export async function tokenOf(
  transport: MsalTransport,
  acquire: () => Promise<AuthenticationResult | null>,
): Promise<string> {
  try {
    return (await acquire())?.accessToken ?? ''
  } catch (error) {
    throw transport.failure ?? error
  }
}
