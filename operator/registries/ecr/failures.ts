/** Turns errors of AWS into messages for the person who can fix them, of the class that decides what happens next. */
import { messageOf, NeedsChangeError, TransientError } from '../../errors.ts'
import { answerInvalid, RegistryRefusal, type Subject, transportFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { RawAnswer } from '../transport/request.ts'
import { Paused, Unreachable } from '../transport/transport.ts'

/** Exceptions of ECR, of the common front end of all AWS services, and of STS. */
const absent = new Set(['ImageNotFoundException', 'RepositoryNotFoundException'])
const throttling =
  /\b(?:Throttling(?:Exception)?|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled(?:Exception)?|SlowDown)\b/
/** An answer with an exception is short. */
const maxExceptionBytes = 1_000
const denied =
  /^(?:AccessDenied|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|InvalidClientTokenId|MissingAuthenticationToken|IncompleteSignature|OptInRequired|NotAuthorized|InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError|RegionDisabled)/

export const isDenied = (error: unknown): boolean => denied.test(nameOf(error))

/** Whether AWS throttles with this answer. Its services do so with status 400 and the name of an exception. */
export const isThrottling = ({ status, body }: RawAnswer): boolean =>
  status >= 400 && throttling.test(body.subarray(0, maxExceptionBytes).toString())

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')

/** The exception of AWS behind an error of `EcrApi.call`. */
export const exceptionOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined)

/** 0 for an error that is no answer of AWS. */
const statusOf = (error: unknown): number =>
  (error as { readonly $metadata?: { readonly httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode ?? 0

const place = ({ repository, what }: Subject): string => `${what} of repository ${repository.path}`

/** @param exception the name of AWS's exception, or what is missing in its answer */
export function notFound(subject: Subject, exception: string, options?: ErrorOptions): NeedsChangeError {
  const fault = `the registry ${subject.repository.host} does not have ${place(subject)} (${exception})`
  return subject.what.startsWith('image ')
    ? new RegistryRefusal('ImageNotFound', fault, 'Push it, or name another version.', options)
    : new RegistryRefusal('TagNotFound', fault, 'Push it, or correct spec.imageRepo or spec.tag.', options)
}

/** @param reply what AWS said about the call, or about one item of a call that succeeded as a whole (B06) */
export const refused = (subject: Subject, reply: string, options?: ErrorOptions): NeedsChangeError =>
  new RegistryRefusal(
    'RegistryRefused',
    `the registry ${subject.repository.host} refused the request for ${place(subject)}: ${printable(reply)}`,
    "Check the repository's settings in ECR.",
    options,
  )

/**
 * @param error whatever a call has thrown
 * @param action as IAM names it, e.g. `ecr:DescribeImages`
 */
export function awsFailure(subject: Subject, action: string, error: unknown, { credentials }: Access): Error {
  if (error instanceof NeedsChangeError || error instanceof TransientError) return error
  if (error instanceof Unreachable) return transportFailure(subject, error) as Error
  const name = nameOf(error)
  const { host, path } = subject.repository
  if (absent.has(name)) return notFound(subject, name, { cause: error })
  if (error instanceof Paused) {
    return new TransientError(
      'RegistryThrottled',
      `AWS throttles requests to the registry ${host}, so ${place(subject)} was not read. The next try is after a pause, which grows each time. If this lasts, raise pollIntervalSeconds or the quota for ${action}.`,
      { retryAfterMs: error.retryAfterMs },
    )
  }
  if (isDenied(error)) {
    return new RegistryRefusal(
      'RegistryAccessDenied',
      `AWS refused ${action} on repository ${path} of the registry ${host} (${name}, asked for ${subject.what})${name.startsWith('AccessDenied') ? `: ${printable(messageOf(error))}` : ''}`,
      credentials.identity?.remedy ??
        `Allow ${action} on that repository for cvmanager's AWS identity, in its policy or, for another account, in the repository's.`,
    )
  }
  const status = statusOf(error)
  if (error instanceof SyntaxError || status < 400) return answerInvalid(subject, `it is no answer of ECR (${name})`)
  if (status >= 500 || name === 'ServerException') {
    return new TransientError(
      'RegistryUnavailable',
      `the registry ${host} answered ${action} for ${place(subject)} with ${status} (${name}). cvmanager tries again. If this lasts, see the AWS status page for the region.`,
    )
  }
  return refused(subject, `${name}: ${messageOf(error)}`, { cause: error })
}

const maxShown = 300

export const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, maxShown)
