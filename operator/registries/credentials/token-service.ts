/** Requests to the token services of clouds. No error message contains a secret. */
import { TransientError } from '../../errors.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Destination } from '../transport/addresses.ts'
import { type Answer, Paused, type Request, type Transport, Unreachable } from '../transport/transport.ts'

export interface TokenRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** The service's name in messages. Default: the host of the address. */
  readonly name?: string
  readonly destination?: Destination
  /** Whose token it is: one tenant's pause must not stop the others. Default: that of this process. */
  readonly credential?: string | undefined
}

/** The service refused: `sts.googleapis.com answered 403 (invalid_grant)`. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
  readonly url: URL

  constructor(url: URL, message: string) {
    super(message)
    this.url = url
  }
}

/** All large clouds serve the metadata of a machine at this address. */
export const metadataAddress = '169.254.169.254'
/** Without a metadata service, there is no answer at all. */
const metadataDeadlineMs = 2_000

const usable = /^[\x21-\x7e]{1,32768}$/
/** The codes of RFC 6749, 5.2, and of google.rpc.Code. Anything else may repeat what was sent. */
const errorCode = /^[A-Za-z_]{1,40}$/

export const usableToken = (value: unknown): string | undefined =>
  typeof value === 'string' && usable.test(value) ? value : undefined

/** @throws TransientError `RegistryUnavailable` if no answer came that decides anything; TokenRefused for any other status than 200 */
export async function requestToken(transport: Transport, request: TokenRequest): Promise<Answer> {
  const { url, name = url.host } = request
  const answer = await transport.send(toTransport(request)).catch((error: unknown) => {
    if (error instanceof Unreachable || error instanceof Paused) throw identityUnavailable(name, error.message)
    throw error
  })
  const { status } = answer
  if (status >= 500 || status === 429) throw identityUnavailable(name, `answered ${status}`)
  if (status !== 200) throw new TokenRefused(url, `${name} answered ${status}${codeOf(answer)}`)
  return answer
}

/** `undefined` if nobody answers. @param url from cvmanager's own code, never from an object or an answer */
export async function askMetadata(
  transport: Transport,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Answer | undefined> {
  const signal = AbortSignal.timeout(metadataDeadlineMs)
  try {
    return await transport.send({ ...toTransport({ url, method: 'GET', headers, destination: 'platform' }), signal })
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Paused || signal.aborted) return undefined
    throw error
  }
}

const toTransport = ({ url, method, headers, body, destination = 'settings', credential }: TokenRequest): Request => ({
  host: url.host,
  purpose: 'token',
  method,
  origin: url.origin,
  path: `${url.pathname}${url.search}`,
  headers,
  body,
  destination,
  credential,
  urgent: true,
})

export const identityUnavailable = (host: string, fault: string): TransientError =>
  new TransientError(
    'RegistryUnavailable',
    `${host}, which issues tokens for the cloud identity, could not do so: ${fault}. cvmanager tries again.`,
  )

function codeOf({ body }: Answer): string {
  const error = parseObject(body)?.error
  const code = typeof error === 'object' && error !== null && 'status' in error ? error.status : error
  return typeof code === 'string' && errorCode.test(code) ? ` (${code})` : ''
}
