/** One request that gives something for a token of the cloud's, and what came of it. No secret is in a message. */
import { TransientError } from '../../errors.ts'
import { parseObject } from '../oci/manifest.ts'
import { Paused, type Transport, Unreachable } from '../transport/transport.ts'

export type Exchanged =
  | { readonly token: string; readonly lifetimeMs: number }
  /** Who said no, and how: `sts.googleapis.com answered 403 (invalid_grant)`. */
  | { readonly refusal: string }

export interface ExchangeRequest {
  readonly url: URL
  /** Whom people know it as, where that is not the host of the address. */
  readonly name?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A form, or what is sent as JSON. */
  readonly body: URLSearchParams | Readonly<Record<string, unknown>>
}

type Fields = Readonly<Record<string, unknown>>

const longestTokenMs = 86_400_000
/** Where it is not said: soon asked for again. */
const unknownLifetimeMs = 300_000
const usable = /^[\x21-\x7e]{1,32768}$/
/** The codes of RFC 6749, 5.2, and of google.rpc.Code; anything else may be whatever was sent. */
const errorCode = /^[A-Za-z_]{1,40}$/

export const usableToken = (value: unknown): string | undefined =>
  typeof value === 'string' && usable.test(value) ? value : undefined

/**
 * @param tokenOf what of the answer is the token
 * @throws TransientError `RegistryUnavailable` where there was no answer that says anything
 */
export async function exchangeToken(
  transport: Transport,
  { url, name = url.host, headers, body }: ExchangeRequest,
  tokenOf: (fields: Fields) => unknown = ({ access_token }) => access_token,
): Promise<Exchanged> {
  const isForm = body instanceof URLSearchParams
  try {
    const answer = await transport.send({
      host: url.host,
      purpose: 'token',
      method: 'POST',
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      headers: {
        accept: 'application/json',
        'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        ...headers,
      },
      body: isForm ? body.toString() : JSON.stringify(body),
      destination: 'configured',
      urgent: true,
    })
    const { status } = answer
    if (status >= 500 || status === 429) throw identityUnavailable(name, `answered ${status}`)
    const fields = parseObject(answer.body) ?? {}
    const token = status === 200 ? usableToken(tokenOf(fields)) : undefined
    if (token === undefined) return { refusal: `${name} answered ${status}${codeOf(fields)}` }
    return { token, lifetimeMs: lifetimeOf(fields) }
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Paused) throw identityUnavailable(name, error.message)
    throw error
  }
}

export const identityUnavailable = (host: string, how: string): TransientError =>
  new TransientError(
    'RegistryUnavailable',
    `${host}, which was to exchange a workload identity for a token, could not do so: ${how}. It is tried again.`,
  )

/** `expires_in` is in seconds, at some as a text. */
function lifetimeOf({ expires_in }: Fields): number {
  const ms = typeof expires_in === 'number' || typeof expires_in === 'string' ? Number(expires_in) * 1000 : 0
  return ms > 0 ? Math.min(ms, longestTokenMs) : unknownLifetimeMs
}

function codeOf({ error }: Fields): string {
  const code = typeof error === 'object' && error !== null && 'status' in error ? error.status : error
  return typeof code === 'string' && errorCode.test(code) ? ` (${code})` : ''
}
