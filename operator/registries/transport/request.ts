/** One request to a registry, and its answer. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Destination } from './addresses.ts'

/** The id of no credential. */
export const anonymousId = 'anonymous'

/** What a request is for, as metrics name it. */
export type Purpose = 'manifest' | 'tags' | 'blob' | 'token'

export interface Request {
  /** The registry that the request is for, even if it goes to another host. It waits in the queue of this one. */
  readonly host: string
  readonly purpose: Purpose
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly origin: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
  readonly destination: Destination
  /** The id of the credential that it is sent with. Default: anonymous. */
  readonly credential?: string | undefined
  readonly urgent?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Whether the registry throttles with this answer, although its status is not 429. */
  readonly isRefusal?: ((answer: RawAnswer) => boolean) | undefined
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Answer extends RawAnswer {
  /** If the registry refused: how long no other request is sent to it, in milliseconds. */
  readonly retryAfterMs: number | undefined
}
