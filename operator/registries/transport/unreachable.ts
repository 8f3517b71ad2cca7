/** Explains why no usable answer came, by the errors of the network, TLS and HTTP. */
import { messageOf } from '../../errors.ts'
import { ForbiddenAddress } from './addresses.ts'

export type UnreachableKind = 'connect' | 'closed' | 'timeout' | 'too-large' | 'malformed' | 'forbidden'

/** No usable answer came. The message is for people, and the same for the same cause. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
  readonly kind: UnreachableKind

  constructor(kind: UnreachableKind, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.kind = kind
  }
}

/** Codes of Node and OpenSSL for a certificate that cannot be trusted. */
const certificateFaults = /^ERR_TLS_CERT|^CERT_|SELF_SIGNED|^UNABLE_TO_(?:GET_ISSUER|VERIFY)/

/** @param status of the answer, if it had begun; else 0 */
export function unreachable(error: unknown, status: number): Unreachable {
  if (error instanceof Unreachable) return error
  const cause = { cause: error }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof ForbiddenAddress) return new Unreachable('forbidden', error.message, cause)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new Unreachable('timeout', 'no connection within the deadline', cause)
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') {
    const when = status === 0 ? 'before' : 'within'
    return new Unreachable('closed', `the connection was closed ${when} the answer`, cause)
  }
  const refusal = /^Proxy response \((\d+)\)/.exec(code === 'UND_ERR_ABORTED' ? messageOf(error) : '')?.[1]
  if (refusal !== undefined) return new Unreachable('connect', `the proxy refused the connection (${refusal})`, cause)
  if (code === 'UND_ERR_PRX_CONN') return new Unreachable('closed', 'the proxy closed the connection', cause)
  if ((error instanceof Error && error.name === 'HTTPParserError') || code.startsWith('UND_ERR')) {
    return new Unreachable('malformed', `the answer is not valid HTTP (${code})`, cause)
  }
  // The text of OpenSSL has memory addresses in it, which differ each time.
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return new Unreachable('connect', 'it does not speak TLS', cause)
  }
  if (certificateFaults.test(code)) {
    const detail = `its certificate is not trusted (${code}; --registry-ca-file names a CA)`
    return new Unreachable('connect', detail, cause)
  }
  if (code.startsWith('ERR_SSL_')) return new Unreachable('connect', `TLS failed (${code})`, cause)
  return new Unreachable('connect', messageOf(error instanceof AggregateError ? error.errors[0] : error), cause)
}
