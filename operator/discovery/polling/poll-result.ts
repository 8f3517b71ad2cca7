/** What a look came to, for the poller and for those who follow. */
import { messageOf, NeedsChangeError, TransientError } from '../../errors.ts'
import type { Access } from '../../registries/registry.ts'
import type { Offer } from '../following.ts'
import { type Followed, type LookError, lastVersion, sameOffer, type View } from './followed.ts'

export type LookOutcome = 'unchanged' | 'changed' | 'failed'

export interface LookResult {
  readonly outcome: LookOutcome
  /** Views with something new in them. */
  readonly news: readonly View[]
  readonly retryAfterMs?: number | undefined
}

/** @returns whether that is news */
export function offer(view: View, next: Offer): boolean {
  if (sameOffer(view.offer, next)) return false
  view.offer = next
  return true
}

export const failed = (view: View, error: LookError): Offer => ({
  state: 'failed',
  error,
  version: lastVersion(view.offer),
})

/** A failure that all who follow are told. */
export function failedLook(followed: Followed, error: unknown, access: Pick<Access, 'signal'>): LookResult {
  const failure = asLookError(error, followed, access)
  const news = followed.views.filter((view) => offer(view, failed(view, failure)))
  return { outcome: 'failed', news, retryAfterMs: retryAfterOf(failure) }
}

export const retryAfterOf = (error: LookError): number | undefined =>
  error instanceof TransientError ? error.retryAfterMs : undefined

/** An error of no known class is a defect of ours: said as such, tried again, and the process goes on. */
export function asLookError(error: unknown, { target }: Followed, { signal }: Pick<Access, 'signal'>): LookError {
  if (signal?.aborted) throw error
  if (error instanceof TransientError || error instanceof NeedsChangeError) return error
  const { repository, tag } = target
  const what = tag === undefined ? 'the tags' : `tag ${tag}`
  return new TransientError(
    'InternalError',
    `looking at ${what} of ${repository.host}/${repository.path} failed within cvmanager: ${messageOf(error)}. It is tried again; please report it.`,
    { cause: error },
  )
}
