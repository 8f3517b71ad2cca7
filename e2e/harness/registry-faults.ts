import type { IncomingMessage, ServerResponse } from 'node:http'

export interface PlainAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * A given answer; no answer (`hang`); 200 with nonsense in body and headers (`garbage`); a body that never ends, unless the
 * answer has none (`endless`); a connection that is reset (`reset`).
 */
export type Fault = PlainAnswer | 'hang' | 'garbage' | 'endless' | 'reset'

export const faults = {
  internalError: { status: 500, body: 'something went wrong' },
  unavailable: { status: 503 },
  throttled: (retryAfterSeconds: number): PlainAnswer => ({
    status: 429,
    headers: { 'retry-after': String(retryAfterSeconds) },
    body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit exceeded"}]}',
  }),
} as const

export interface FaultOptions {
  /** Which requests fail. Default: all, including token requests. */
  readonly when?: (request: FaultyRequest) => boolean
  /** How many requests fail. Default: all, until the fault is removed. */
  readonly times?: number
}

export interface FaultyRequest {
  readonly method: string
  readonly path: string
}

/** The active faults. The first one that matches a request answers it. */
export class Faults {
  #active: { readonly fault: Fault; readonly when: (request: FaultyRequest) => boolean; left: number }[] = []

  /** @returns a function that removes this fault */
  inject(fault: Fault, options: FaultOptions = {}): () => void {
    const entry = { fault, when: options.when ?? (() => true), left: options.times ?? Number.POSITIVE_INFINITY }
    this.#active.push(entry)
    return () => {
      this.#active = this.#active.filter((other) => other !== entry)
    }
  }

  clear(): void {
    this.#active = []
  }

  take(request: FaultyRequest): Fault | undefined {
    const entry = this.#active.find(({ left, when }) => left > 0 && when(request))
    if (entry) entry.left--
    return entry?.fault
  }
}

const CHUNK = Buffer.alloc(64 * 1024, '{"tags":["')

export function answerWithFault(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  switch (fault) {
    case 'hang':
      return
    case 'reset':
      request.socket.resetAndDestroy()
      return
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html', 'docker-content-digest': 'sha256:none' })
      response.end('<html><body>Welcome to the hotel network! \u0000\uFFFD')
      return
    case 'endless':
      response.writeHead(200, { 'content-type': 'application/json' })
      // An answer to HEAD has no body. Node would accept any number of writes at once and discard them.
      if (request.method === 'HEAD') response.end()
      else sendForever(response)
      return
    default:
      response.writeHead(fault.status, fault.headers)
      response.end(fault.body)
  }
}

function sendForever(response: ServerResponse): void {
  while (!response.destroyed) {
    if (!response.write(CHUNK)) {
      response.once('drain', () => sendForever(response))
      return
    }
  }
}
