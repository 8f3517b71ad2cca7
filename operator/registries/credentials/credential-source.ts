import { NeedsChangeError } from '../../errors.ts'
import type { Credentials } from '../registry.ts'

/**
 * What is known about the credentials for a repository before it is polled. Credentials of a cloud identity expire, so they
 * are asked for at each poll.
 */
export type CredentialSource = Credentials | IssuedCredentials | SeveralCredentials

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

/** Several pull secrets have credentials for the repository, and only the registry knows which of them it accepts. */
export interface SeveralCredentials {
  readonly kind: 'several'
  /** In the order in which they are tried; at least two. */
  readonly candidates: readonly Credentials[]
  /** The one that the registry accepted last, which is tried first. */
  accepted?: Credentials | undefined
}

/** One source for all: none is anonymous, and each of several is tried once. */
export function sourceOf(candidates: readonly Credentials[]): CredentialSource {
  const [first = { kind: 'anonymous' }, second] = candidates
  return second === undefined ? first : { kind: 'several', candidates }
}

/** The credentials for a request where only one can be used. @throws as `current` */
export async function currentCredentials(source: CredentialSource, signal?: AbortSignal): Promise<Credentials> {
  if (source.kind === 'several') return source.accepted ?? source.candidates[0] ?? { kind: 'anonymous' }
  return source.kind === 'issued' ? await source.current(signal) : source
}

/** Registries answer 404 for what a user may not see. */
const refusals = new Set(['RegistryAccessDenied', 'TagNotFound'])

/**
 * Tries the credentials in turn, as the kubelet does, until the registry accepts some. While it accepts the first, this costs
 * no request.
 * @throws as `current`, and what `use` throws; where all are refused, that the tag is missing rather than that access is denied
 */
export async function withCredentials<T>(
  source: CredentialSource,
  signal: AbortSignal | undefined,
  use: (credentials: Credentials) => Promise<T>,
): Promise<T> {
  if (source.kind !== 'several') return await use(await currentCredentials(source, signal))
  let failure: NeedsChangeError | undefined
  for (const credentials of new Set([source.accepted ?? source.candidates[0], ...source.candidates])) {
    if (credentials === undefined) continue
    try {
      const used = await use(credentials)
      source.accepted = credentials
      return used
    } catch (error) {
      if (!(error instanceof NeedsChangeError && refusals.has(error.reason))) throw error
      if (failure?.reason !== 'TagNotFound') failure = error
    }
  }
  throw failure
}
