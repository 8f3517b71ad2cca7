/** What AWS refuses, in words for the person who has to mend it, and by the class that decides what is next. */
import { messageOf, NeedsChangeError, TransientError } from '../../errors.ts'
import { type Asked, answerInvalid, RegistryRefusal, transportFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import { Paused, Unreachable } from '../transport/transport.ts'
import { InvalidAnswer } from './image.ts'

/** Names of exceptions, of ECR itself, of the gate before all of AWS's services, and of STS. */
const absent = new Set(['ImageNotFoundException', 'RepositoryNotFoundException'])
const throttled = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
])
const denied =
  /^(?:AccessDenied|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|InvalidClientTokenId|MissingAuthenticationToken|IncompleteSignature|OptInRequired|NotAuthorized|InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError|RegionDisabled)/

/** A call that AWS throttled, or that was not made since the one before was. */
export class Throttled extends Error {
  override readonly name = 'ThrottlingException'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number, options?: ErrorOptions) {
    super('throttled', options)
    this.retryAfterMs = retryAfterMs
  }
}

const isAbsent = (error: unknown): boolean => absent.has(nameOf(error))
export const isImageAbsent = (error: unknown): boolean => nameOf(error) === 'ImageNotFoundException'
export const isDenied = (error: unknown): boolean => denied.test(nameOf(error))
export const isThrottled = (error: unknown): boolean => throttled.has(nameOf(error)) || statusOf(error) === 429

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } }
  return $metadata?.httpStatusCode
}

const place = ({ repository, what }: Asked): string => `${what} of repository ${repository.path}`

export const tagNotFound = (asked: Asked, exception: string): NeedsChangeError =>
  new RegistryRefusal(
    'TagNotFound',
    `the registry ${asked.repository.host} does not have ${place(asked)} (${exception})`,
    'Push it, or correct spec.imageRepo or spec.tag.',
  )

export const imageNotFound = (asked: Asked, exception: string): NeedsChangeError =>
  new RegistryRefusal(
    'ImageNotFound',
    `the registry ${asked.repository.host} does not have ${place(asked)} (${exception})`,
    'Push it, or name another version.',
  )

/** @param said a failure of one item within an answer that is a success as a whole (B06) */
export const refused = (asked: Asked, said: string): NeedsChangeError =>
  new RegistryRefusal(
    'RegistryRefused',
    `the registry ${asked.repository.host} refused what was asked for ${place(asked)}: ${printable(said)}`,
    'Look into the settings of the repository in ECR.',
  )

/**
 * Of anything that a call has thrown.
 * @param action as IAM calls it, e.g. `ecr:DescribeImages`
 */
export function awsFailure(asked: Asked, action: string, error: unknown, { credentials }: Access): Error {
  if (error instanceof NeedsChangeError || error instanceof TransientError) return error
  if (error instanceof Unreachable || error instanceof Paused) return transportFailure(asked, error) as Error
  if (error instanceof InvalidAnswer) return answerInvalid(asked, error.message)
  const name = nameOf(error)
  const { host, path } = asked.repository
  if (isAbsent(error)) return (asked.what.startsWith('image ') ? imageNotFound : tagNotFound)(asked, name)
  if (isThrottled(error)) {
    return new TransientError(
      'RegistryThrottled',
      `AWS limits how often the registry ${host} is asked (${name}), so ${place(asked)} was not looked at. It is asked again after a while, ever more slowly; if it lasts, raise pollIntervalSeconds or the quota for ${action}.`,
      { retryAfterMs: error instanceof Throttled ? error.retryAfterMs : undefined },
    )
  }
  if (isDenied(error)) {
    return new RegistryRefusal(
      'RegistryAccessDenied',
      `AWS refused ${action} on repository ${path} of the registry ${host} (${name}, asked for ${asked.what})${name.startsWith('AccessDenied') ? `: ${printable(messageOf(error))}` : ''}`,
      credentials.identity?.remedy ??
        `Allow ${action} on that repository for cvmanager's AWS identity, in its policy or, for another account, in the repository's.`,
    )
  }
  const status = statusOf(error) ?? 0
  if (error instanceof SyntaxError || status < 400) return answerInvalid(asked, `no answer of ECR (${name})`)
  if (status >= 500 || name === 'ServerException') {
    return new TransientError(
      'RegistryUnavailable',
      `the registry ${host} answered ${action} for ${place(asked)} with ${status} (${name}). It is tried again; if it lasts, look at AWS's own status page for the region.`,
    )
  }
  return refused(asked, `${name}: ${messageOf(error)}`)
}

const longestShown = 300

export const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, longestShown)
