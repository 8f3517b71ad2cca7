/**
 * The few error classes that decide what happens next. A class says what the loop does; `reason` is the CamelCase word
 * that conditions, events and metrics carry; the message is for a person: what is wrong, with which object, what to do.
 */

/** The cause may pass by itself: tried again with back-off, or after `retryAfterMs` where the other side asked for it. */
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

/** Only a person, or a change of some object, can mend it: said in the status, looked at again when something changes. */
export class NeedsChangeError extends Error {
  override readonly name = 'NeedsChangeError'
  readonly reason: string

  constructor(reason: string, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.reason = reason
  }
}

/** A flag, setting or argument that cannot work: one line that names it, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
