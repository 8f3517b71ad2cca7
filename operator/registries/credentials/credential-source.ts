import type { Credentials } from '../registry.ts'

/**
 * What is known about the credentials for a repository before it is polled. Credentials of a cloud identity expire, so they
 * are asked for at each poll.
 */
export type CredentialSource = Credentials | IssuedCredentials

export interface IssuedCredentials {
  readonly kind: 'issued'
  /** Equal for the same identity at the same registry: polls with equal names are shared. */
  readonly name: string
  /**
   * The credentials that are valid now.
   * @throws NeedsChangeError, TransientError when the cloud cannot issue them; the signal's reason when it is aborted
   */
  current(signal: AbortSignal | undefined): Promise<Credentials>
}

/** The only place where a poll or a command gets the credentials for its requests. @throws as `current` */
export async function currentCredentials(source: CredentialSource, signal?: AbortSignal): Promise<Credentials> {
  return source.kind === 'issued' ? await source.current(signal) : source
}
