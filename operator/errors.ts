/**
 * The error classes that decide what happens next. The class tells the controller what to do; `reason` is the CamelCase word
 * in conditions, events and metrics; the message tells a person what is wrong, with which object, and what to do.
 */

/** The cause may pass by itself. The controller retries with back-off, or after `retryAfterMs` if the server asked for it. */
export class TransientError extends Error {
  override readonly name = 'TransientError'
  readonly reason: string
  readonly retryAfterMs: number | undefined

  constructor(reason: string, message: string, options: ErrorOptions & { retryAfterMs?: number | undefined } = {}) {
    super(message, options)
    this.reason = reason
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Only a person or a change of an object can fix it. The status reports it, and a change triggers the next attempt. */
export class NeedsChangeError extends Error {
  override readonly name = 'NeedsChangeError'
  readonly reason: string

  constructor(reason: string, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.reason = reason
  }
}

/** A flag, setting or argument cannot work. The message names it in one line; the exit status is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
