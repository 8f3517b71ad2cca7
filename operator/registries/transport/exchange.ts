/** One request and its answer, bounded in time and size. */
import { setMaxListeners } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { messageOf } from '../../errors.ts'
import { ForbiddenAddress } from './addresses.ts'
import type { Pools } from './pools.ts'
import type { Answer, Request } from './transport.ts'

/** Larger than any manifest or config that a registry accepts, and than any page of tags. */
export const largestBody = 4 * 1024 * 1024

export type UnreachableKind = 'connect' | 'closed' | 'timeout' | 'too-large' | 'malformed' | 'forbidden'

/** No usable answer; `detail` is for people and the same for the same cause. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
  readonly kind: UnreachableKind

  constructor(kind: UnreachableKind, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.kind = kind
  }
}

export interface ExchangeOptions {
  readonly deadlineMs: number
  readonly userAgent: string
}

/** @throws Unreachable, or the signal's reason when it is aborted */
export function exchange(
  pools: Pools,
  request: Request,
  options: ExchangeOptions,
): Promise<Omit<Answer, 'retryAfterMs'>> {
  const { promise, resolve, reject } = Promise.withResolvers<Omit<Answer, 'retryAfterMs'>>()
  const { signal } = request
  const chunks: Buffer[] = []
  let status = 0
  let headers: IncomingHttpHeaders = {}
  let size = 0
  let controller: Dispatcher.DispatchController | undefined
  let over = false

  const finish = (): void => {
    over = true
    clearTimeout(deadline)
    signal?.removeEventListener('abort', aborted)
  }
  const give = (error: unknown): void => {
    finish()
    reject(error)
    controller?.abort(error instanceof Error ? error : new Error('aborted'))
  }
  const aborted = (): void => give(signal?.reason)
  const deadline = setTimeout(
    () => give(new Unreachable('timeout', `no complete answer within ${options.deadlineMs / 1000} s`)),
    options.deadlineMs,
  )
  if (signal !== undefined) {
    // Hundreds of requests share one signal; Node would warn of a leak at the eleventh.
    setMaxListeners(0, signal)
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
  }
  if (over) return promise

  try {
    pools.for(request.origin, request.destination).dispatch(
      {
        origin: request.origin,
        path: request.path,
        method: request.method,
        headers: { 'user-agent': options.userAgent, ...request.headers },
        body: request.body ?? null,
        // undici closes the connection after a HEAD unless told that this is no reason.
        reset: false,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart: (started) => {
          controller = started
          // It may have waited for a connection until nobody wanted it any more.
          if (over) started.abort(new Error('no longer wanted'))
        },
        onResponseStart: (_, statusCode, received) => {
          status = statusCode
          headers = received
        },
        onResponseData: (_, chunk) => {
          size += chunk.length
          if (size > largestBody) return give(new Unreachable('too-large', 'the answer has more than 4 MiB'))
          chunks.push(chunk)
        },
        onResponseEnd: () => {
          finish()
          resolve({ status, headers, body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) })
        },
        onResponseError: (_, error) => {
          finish()
          reject(unreachable(error, status))
        },
      },
    )
  } catch (error) {
    finish()
    reject(unreachable(error, 0))
  }
  return promise
}

/** Node's and OpenSSL's codes for what is wrong with a certificate. */
const certificateFaults = /^ERR_TLS_CERT|^CERT_|SELF_SIGNED|^UNABLE_TO_(?:GET_ISSUER|VERIFY)/

function unreachable(error: unknown, status: number): Unreachable {
  if (error instanceof Unreachable) return error
  const cause = { cause: error }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof ForbiddenAddress) return new Unreachable('forbidden', error.message, cause)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new Unreachable('timeout', 'no connection within the deadline', cause)
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') {
    const detail =
      status === 0 ? 'the connection was closed before the answer' : 'the connection was closed within the answer'
    return new Unreachable('closed', detail, cause)
  }
  if ((error instanceof Error && error.name === 'HTTPParserError') || code.startsWith('UND_ERR')) {
    return new Unreachable('malformed', `the answer is not valid HTTP (${code})`, cause)
  }
  // OpenSSL's own text carries addresses of memory, new ones each time.
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return new Unreachable('connect', 'it does not speak TLS', cause)
  }
  if (certificateFaults.test(code)) {
    return new Unreachable(
      'connect',
      `its certificate is not trusted (${code}; a CA is given by --registry-ca-file)`,
      cause,
    )
  }
  if (code.startsWith('ERR_SSL_')) return new Unreachable('connect', `TLS failed (${code})`, cause)
  return new Unreachable('connect', messageOf(error instanceof AggregateError ? error.errors[0] : error), cause)
}
