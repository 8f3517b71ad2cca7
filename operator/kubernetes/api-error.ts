/** The API server's answer to a failed request, a `Status` (meta/v1), as an error. */

import { group, plural } from '../api/names.ts'
import { nameOf } from './resource-path.ts'
import { inWords, type Right, refusedRight } from './right.ts'

interface Cause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

interface Status {
  readonly kind: 'Status'
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: {
    readonly causes?: readonly Cause[]
    readonly retryAfterSeconds?: number
  }
}

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  /** `NotFound`, `Conflict`, `AlreadyExists`, `Expired`, … (metav1.StatusReason). */
  readonly reason: string
  readonly causes: readonly Cause[]
  /** How long the server asks to wait, by Retry-After or `details.retryAfterSeconds`. */
  readonly retryAfterMs: number | undefined
  /** What the account may not do, if that is why. */
  readonly right: Right | undefined

  constructor(
    status: number,
    reason: string,
    message: string,
    causes: readonly Cause[] = [],
    retryAfterMs?: number,
    right?: Right,
  ) {
    super(message)
    this.status = status
    this.reason = reason
    this.causes = causes
    this.retryAfterMs = retryAfterMs
    this.right = right
  }

  static fromAnswer(
    { method, path }: { readonly method: string; readonly path: string },
    status: number,
    text: string,
    retryAfterHeader?: string,
  ): ApiError {
    const answer = statusIn(text)
    // Retry-After may be a date (RFC 9110, 10.2.3), but the API server sends only seconds.
    const seconds = Number(retryAfterHeader ?? answer?.details?.retryAfterSeconds ?? Number.NaN)
    const right = status === 403 ? refusedRight(answer?.message ?? '', nameOf(path)) : undefined
    const why = answer?.message ?? `the API server answered ${status} without a reason`
    return new ApiError(
      answer?.code ?? status,
      answer?.reason ?? `HTTP${status}`,
      right ? inWords(right) : isNotServed(path, status, text) ? definitionMissing : `${method} ${path}: ${why}`,
      answer?.details?.causes,
      Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : undefined,
      right,
    )
  }
}

const definitionMissing = `the CustomResourceDefinition ${plural}.${group} is not installed; install it: kubectl apply -f crds/`

/** Whether the API server does not know the resource. About an object that does not exist, it answers with a Status. */
const isNotServed = (path: string, status: number, text: string): boolean =>
  status === 404 && text.startsWith('404 page not found') && path.startsWith(`/apis/${group}/`)

/** Undefined if it is something else: it comes from something between us and the API server. */
function statusIn(text: string): Status | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return isStatus(body) ? body : undefined
  } catch {
    return undefined
  }
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'
}

function is(thrown: unknown, status: number): thrown is ApiError {
  return thrown instanceof ApiError && thrown.status === status
}

export const isForbidden = (thrown: unknown): thrown is ApiError => is(thrown, 403)
/** MissingRights logs these for all requests; the watches and the Lease say that credentials are not accepted. */
export const lacksRight = (thrown: unknown): boolean =>
  is(thrown, 401) || (thrown instanceof ApiError && thrown.right !== undefined)
export const isNotFound = (thrown: unknown): thrown is ApiError => is(thrown, 404)
/** For `catch`: undefined if the object does not exist. Throws any other error again. */
export function undefinedIfNotFound(thrown: unknown): undefined {
  if (!isNotFound(thrown)) throw thrown
}
/** The object has changed since it was read; not a 409 because it already exists. */
export const isConflict = (thrown: unknown): thrown is ApiError => is(thrown, 409) && !isAlreadyExists(thrown)
/** As the API server's own answer to a write that is based on an old view. */
export const oldView = (what: string): ApiError =>
  new ApiError(409, 'Conflict', `${what} has changed since it was observed`)
export const isAlreadyExists = (thrown: unknown): thrown is ApiError =>
  is(thrown, 409) && thrown.reason === 'AlreadyExists'
/** The resourceVersion or the continue token has expired. */
export const isGone = (thrown: unknown): thrown is ApiError => is(thrown, 410)
export const isInvalid = (thrown: unknown): thrown is ApiError => is(thrown, 422)

/**
 * The API server would refuse the same request again: a 4xx that is neither a race (409), an old view (410) nor a limit (429),
 * nor about the credentials (401).
 * What exceeds the limits of etcd is answered with 500.
 */
export const isRefused = (thrown: unknown): thrown is ApiError =>
  thrown instanceof ApiError &&
  ((thrown.status >= 400 && thrown.status < 500 && ![401, 409, 410, 429].includes(thrown.status)) ||
    /request is too large|message larger than max/.test(thrown.message))
