/** One request and its answer, bounded in time and size. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { onAbort } from '../../time/abortable.ts'
import type { RawAnswer, Request } from './request.ts'
import { Unreachable, unreachable } from './unreachable.ts'

/** Larger than any manifest or config that a registry accepts, and than any page of tags. */
export const maxBodyBytes = 4 * 1024 * 1024

/** @throws Unreachable, or the signal's reason when it is aborted */
export function exchange(
  dispatcher: Dispatcher,
  request: Request,
  userAgent: string,
  deadlineMs: number,
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>()
  const chunks: Buffer[] = []
  let status = 0
  let headers: IncomingHttpHeaders = {}
  let size = 0
  let controller: Dispatcher.DispatchController | undefined
  let isOver = false

  const giveUp = (error: unknown): void => {
    finish()
    reject(error)
    controller?.abort(error instanceof Error ? error : new Error('aborted'))
  }
  const late = (): void => giveUp(new Unreachable('timeout', `no complete answer within ${deadlineMs / 1000} s`))
  const finish = (): void => {
    isOver = true
    clearTimeout(timer)
    forget?.()
  }
  // The socket, and not the timer, keeps a process alive.
  const timer = setTimeout(late, deadlineMs).unref()
  let forget: (() => void) | undefined
  forget = onAbort(request.signal, giveUp)
  if (isOver) return promise

  try {
    dispatcher.dispatch(
      {
        origin: request.origin,
        path: request.path,
        method: request.method,
        headers: { 'user-agent': userAgent, ...request.headers },
        body: request.body ?? null,
        // Without this, undici closes the connection after a HEAD.
        reset: false,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart: (started) => {
          controller = started
          // It may have waited for a connection until nobody wanted it any more.
          if (isOver) started.abort(new Error('no longer wanted'))
        },
        onResponseStart: (_, statusCode, received) => {
          status = statusCode
          headers = received
        },
        onResponseData: (_, chunk) => {
          size += chunk.length
          if (size > maxBodyBytes) return giveUp(new Unreachable('too-large', 'the answer has more than 4 MiB'))
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
