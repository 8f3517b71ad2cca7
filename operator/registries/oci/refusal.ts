/** The error in a registry's answer (OCI distribution spec, "Error codes"), and what it means for an image or a tag. */
import type { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { RegistryRefusal, type Subject, statusFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { Answer } from '../transport/transport.ts'
import { parseObject } from './manifest.ts'

export interface Refusal {
  readonly status: number
  /** The code of the first error; empty if there is none. */
  readonly code: string
  readonly message: string
  /** For people: `405 UNSUPPORTED: The operation is unsupported.`; bounded, printable. */
  readonly shown: string
}

const maxShown = 200

export function refusalOf({ status, body }: Pick<Answer, 'status' | 'body'>): Refusal {
  const errors = parseObject(body)?.errors
  const [first] = Array.isArray(errors) ? (errors as unknown[]) : []
  const { code, message } = (typeof first === 'object' && first !== null ? first : {}) as Record<string, unknown>
  const said = { code: plain(code), message: plain(message) }
  const words = [said.code, said.message].filter((word) => word !== '').join(': ')
  return { status, ...said, shown: words === '' ? String(status) : `${status} ${words}` }
}

/**
 * Whether a tag was not changed because it is immutable. Harbor answers 412 ("… configured as immutable"), Quay
 * 409, Azure 405 ("The operation is disallowed on this registry, repository or image"), GitLab and others 403 or 400.
 * @param existed for a tag that exists, a conflict has no other cause
 */
export function isTagImmutable({ status, code, message }: Refusal, existed: boolean): boolean {
  if (status < 400 || status >= 500) return false
  if (immutable.test(code) || immutable.test(message)) return true
  return existed && (status === 409 || status === 412) && !/quota/i.test(message)
}

const immutable =
  /immutab|TAG_ALREADY_EXISTS|cannot be (?:overwritten|overridden|modified|updated)|disallowed on this registry, repository or image/i

/**
 * Whether the registry cannot remove a tag. The specification has 405 and UNSUPPORTED for that; older registries take the
 * tag for an invalid digest.
 */
export const isNoUntagging = ({ status, code }: Refusal): boolean =>
  status === 400 || status === 405 || status === 501 || code === 'UNSUPPORTED'

const plain = (value: unknown): string =>
  typeof value === 'string'
    ? value
        .replaceAll(/[^\x20-\x7e]+/g, ' ')
        .trim()
        .slice(0, maxShown)
    : ''

export const imageNotFound = ({ repository: { host, path }, what }: Subject): NeedsChangeError =>
  new RegistryRefusal(
    'ImageNotFound',
    `the registry ${host} does not have ${what} of repository ${path} (404)`,
    'Push it, or name another version.',
  )

export const tagImmutable = (
  { host, path }: Repository,
  tag: string,
  shown: string,
  before?: Digest | undefined,
): NeedsChangeError =>
  new RegistryRefusal(
    'TagImmutable',
    `the registry ${host} keeps tag ${tag} of repository ${path} as it is${before === undefined ? '' : `, on ${before}`}, because its tags are immutable (${shown})`,
    "Use another tag, or exempt this one from immutability in the repository's settings.",
  )

/** For a tag that the registry neither set nor removed. */
export function changeFailure(subject: Subject, answer: Answer, shown: string, { credentials }: Access): Error {
  const { status, retryAfterMs } = answer
  const isRefused = status >= 400 && status < 500 && ![401, 403, 404, 429].includes(status)
  if (!isRefused) return statusFailure(subject, status, credentials, retryAfterMs)
  const { host, path } = subject.repository
  return new RegistryRefusal(
    'RegistryRefused',
    `the registry ${host} refused to change ${subject.what} of repository ${path}: ${shown}`,
    "Check the registry's settings for the repository.",
  )
}
