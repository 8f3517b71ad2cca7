/** What a poll found, for the poller and for the followers. */
import { messageOf, NeedsChangeError, TransientError } from '../../errors.ts'
import type { Access } from '../../registries/registry.ts'
import { lastVersion, type Offer } from '../target.ts'
import type { PolledTarget, View } from './polled-target.ts'

export type PollOutcome = 'unchanged' | 'changed' | 'failed'
export type PollError = NeedsChangeError | TransientError

/** What all requests of a poll have in common; they get their credentials later. */
export type PollRequest = Omit<Access, 'credentials'>

export interface PollResult {
  readonly outcome: PollOutcome
  /** Views whose offer has changed. */
  readonly news: readonly View[]
  readonly retryAfterMs?: number | undefined
}

/** @returns whether anything has changed that a person can see */
export function setOffer(view: View, next: Offer): boolean {
  if (sameOffer(view.offer, next)) return false
  view.offer = next
  return true
}

export const setFailed = (view: View, error: PollError): boolean =>
  setOffer(view, { state: 'failed', error, version: lastVersion(view.offer) })

/** A failure that concerns all followers. */
export function failedPoll(
  target: PolledTarget,
  views: readonly View[],
  thrown: unknown,
  request: PollRequest,
): PollResult {
  const error = asPollError(thrown, target, request)
  return { outcome: 'failed', news: views.filter((view) => setFailed(view, error)), retryAfterMs: retryAfterOf(error) }
}

export const retryAfterOf = (error: PollError): number | undefined =>
  error instanceof TransientError ? error.retryAfterMs : undefined

/** An error of an unknown class is a defect of cvmanager. It is reported as one, and the process goes on. */
export function asPollError(thrown: unknown, { repository }: PolledTarget, { signal }: PollRequest): PollError {
  if (signal?.aborted) throw thrown
  if (thrown instanceof TransientError || thrown instanceof NeedsChangeError) return thrown
  return new TransientError(
    'InternalError',
    `polling ${repository.host}/${repository.path} failed within cvmanager: ${messageOf(thrown)}. cvmanager tries again. Please report it.`,
    { cause: thrown },
  )
}

function sameOffer(one: Offer, other: Offer): boolean {
  if (one.state === 'failed' && other.state === 'failed') {
    return one.error.reason === other.error.reason && one.error.message === other.error.message
  }
  if (one.state !== 'known' || other.state !== 'known') return one.state === other.state
  const { digest, name, source } = other.version
  return one.version.digest === digest && one.version.name === name && one.version.source === source
}
