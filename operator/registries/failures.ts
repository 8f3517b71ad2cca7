/** Error messages about registries, for those who can fix the cause. They contain no time and no secret. */
import { NeedsChangeError, TransientError } from '../errors.ts'
import type { Repository } from '../images/reference.ts'
import type { Credentials } from './registry.ts'
import { Paused, Unreachable } from './transport/transport.ts'

/** What a request is about: every message names it. */
export interface Subject {
  readonly repository: Repository
  /** `tag env-prod`, `the tags`, `image sha256:…`. */
  readonly what: string
  /** The token service, if it was asked instead of the registry itself. */
  readonly tokenService?: string | undefined
  /** The right that it takes. Default: `pull`. */
  readonly right?: Right | undefined
}

export type Right = 'pull' | 'push' | 'delete'

/** A registry refused. The message ends with a remedy for those who write ContainerVersions; the CLI has others. */
export class RegistryRefusal extends NeedsChangeError {
  /** The message without its remedy and its full stop. */
  readonly fault: string

  constructor(reason: string, fault: string, remedy: string, options?: ErrorOptions) {
    super(reason, `${fault}. ${remedy}`, options)
    this.fault = fault
  }
}

/** The registry's own API lists so many tags that only those that were pushed last were read. */
export class OlderTagsUnread extends NeedsChangeError {
  constructor({ host, path }: Repository, read: number) {
    super(
      'TooManyTags',
      `repository ${path} at the registry ${host} has more than ${read} tags, of which cvmanager reads only the ${read} that were pushed last. Delete old tags, for example with a retention rule of the registry.`,
    )
  }
}

type RegistryError = NeedsChangeError | TransientError

const server = ({ repository, tokenService }: Subject): string =>
  tokenService === undefined
    ? `the registry ${repository.host}`
    : `the token service ${tokenService} of the registry ${repository.host}`

const described = ({ repository, what }: Subject): string => `${what} of repository ${repository.path}`

/** The registry's answer makes no sense. */
export function answerInvalid(subject: Subject, fault: string): TransientError {
  return new TransientError(
    'RegistryAnswerInvalid',
    `${server(subject)} gave an answer for ${described(subject)} that cannot be used: ${fault}. Check that the address is that of a registry (OCI distribution API, /v2/) and not of a proxy or a login page before it.`,
  )
}

export function accessDenied(subject: Subject, status: number, credentials: Credentials): NeedsChangeError {
  const { repository, right = 'pull' } = subject
  const { path, host } = repository
  const isAnonymous = credentials.kind === 'anonymous'
  const refused = isAnonymous ? 'anonymous access to repository' : 'the credentials for repository'
  const fault = `${server(subject)} refused ${refused} ${path} (${status}, asked for ${subject.what})`
  const otherwise = `name a pull secret for ${host} in the workload's imagePullSecrets`
  if (credentials.identity !== undefined) {
    return new RegistryRefusal('RegistryAccessDenied', fault, `${credentials.identity.remedy} Or ${otherwise}.`)
  }
  const remedy = isAnonymous
    ? `Correct the repository's name, or ${otherwise}.`
    : `Check the user, the password and their right to ${right} in the pull secret for ${host}.`
  return new RegistryRefusal('RegistryAccessDenied', fault, remedy)
}

/** The registry names a token service at another site. */
export function authHostForbidden({ repository }: Subject, named: string): NeedsChangeError {
  return new RegistryRefusal(
    'RegistryAddressForbidden',
    `the registry ${repository.host} names ${named} as its token service for repository ${repository.path}, which is another site, so nothing was sent there`,
    `If that is right, allow it in the manager's settings: --auth-host ${repository.host}=${named}.`,
  )
}

/** For any status but the expected one. */
export function statusFailure(
  subject: Subject,
  status: number,
  credentials: Credentials,
  retryAfterMs: number | undefined,
): RegistryError {
  if (status === 401 || status === 403) return accessDenied(subject, status, credentials)
  if (status === 404 && subject.tokenService === undefined) {
    const { repository, what } = subject
    return new RegistryRefusal(
      'TagNotFound',
      `the registry ${repository.host} does not have ${what} of repository ${repository.path} (404)`,
      'Push it, or correct spec.imageRepo or spec.tag.',
    )
  }
  if (status === 429) return throttled(subject, retryAfterMs)
  if (status >= 500) {
    return new TransientError(
      'RegistryUnavailable',
      `${server(subject)} answered ${status} for ${described(subject)}. cvmanager tries again; if it lasts, check the registry's log.`,
      { retryAfterMs },
    )
  }
  return answerInvalid(subject, `status ${status}`)
}

/** For a `catch`: that there is no such tag is an answer. */
export function undefinedIfNoTag(thrown: unknown): undefined {
  if (thrown instanceof NeedsChangeError && thrown.reason === 'TagNotFound') return undefined
  throw thrown
}

function throttled(subject: Subject, retryAfterMs: number | undefined): TransientError {
  return new TransientError(
    'RegistryThrottled',
    `the registry ${subject.repository.host} limits how often it is asked (429), so cvmanager did not poll ${described(subject)}. It asks again when the registry allows it; if it lasts, raise pollIntervalSeconds or use credentials with a higher limit.`,
    { retryAfterMs },
  )
}

/** For what `Transport.send` throws. Anything else, such as an abort, is returned as it is. */
export function transportFailure(subject: Subject, thrown: unknown): unknown {
  if (thrown instanceof Paused) return throttled(subject, thrown.retryAfterMs)
  if (!(thrown instanceof Unreachable)) return thrown
  switch (thrown.kind) {
    case 'too-large':
    case 'malformed':
      return answerInvalid(subject, thrown.message)
    case 'forbidden':
      return new NeedsChangeError(
        'RegistryAddressForbidden',
        `cvmanager does not ask ${server(subject)} for ${described(subject)}: ${thrown.message} (loopback, link-local and metadata addresses). Correct spec.imageRepo, or what the registry names as its token service or storage; for a registry on cvmanager's own machine, set --loopback-registry ${subject.repository.host}.`,
      )
    case 'connect':
    case 'closed':
    case 'timeout':
      return new TransientError(
        'RegistryUnavailable',
        `${server(subject)} cannot be reached for ${described(subject)}: ${thrown.message}. Check its address, the network, and the proxy if one is set; name a registry without TLS by --insecure-registry.`,
      )
    default:
      return thrown.kind satisfies never
  }
}
