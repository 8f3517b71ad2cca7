/** The API server's answer to a failed request, a `Status` (meta/v1), as an error. */

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

  constructor(status: number, reason: string, message: string, causes: readonly Cause[] = [], retryAfterMs?: number) {
    super(message)
    this.status = status
    this.reason = reason
    this.causes = causes
    this.retryAfterMs = retryAfterMs
  }

  /** @param request for the message, e.g. `GET /api/v1/pods` */
  static fromAnswer(request: string, status: number, body: unknown, retryAfterHeader?: string): ApiError {
    const answer = isStatus(body) ? body : undefined
    // Retry-After may be a date (RFC 9110, 10.2.3), but the API server sends only seconds.
    const seconds = Number(retryAfterHeader ?? answer?.details?.retryAfterSeconds ?? Number.NaN)
    return new ApiError(
      answer?.code ?? status,
      answer?.reason ?? `HTTP${status}`,
      `${request}: ${answer?.message ?? `the API server answered ${status} without a reason`}`,
      answer?.details?.causes,
      Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : undefined,
    )
  }
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'
}

function is(thrown: unknown, status: number): thrown is ApiError {
  return thrown instanceof ApiError && thrown.status === status
}

export const isForbidden = (thrown: unknown): thrown is ApiError => is(thrown, 403)
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
 * The API server would refuse the same request again: a 4xx that is neither a race (409), an old view (410) nor a limit (429).
 * What exceeds the limits of etcd is answered with 500.
 */
export const isRefused = (thrown: unknown): thrown is ApiError =>
  thrown instanceof ApiError &&
  ((thrown.status >= 400 && thrown.status < 500 && ![409, 410, 429].includes(thrown.status)) ||
    /request is too large|message larger than max/.test(thrown.message))
