/** Secrets that senders show unchanged: in a header, or in the URL where a registry can send nothing else. */
import { hash, timingSafeEqual } from 'node:crypto'
import { type Head, type Receiver, UnusableSecret } from './receivers/receiver.ts'

const minLength = 16
const maxLength = 1024

/**
 * The secrets of a file, one on each line: during a change, the old and the new one are both valid.
 * @throws UnusableSecret
 */
export function secretsOf(text: string): readonly string[] {
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (secrets.length === 0) throw new UnusableSecret('it is empty')
  for (const [index, { length }] of secrets.entries()) {
    if (length < minLength) throw new UnusableSecret(`line ${index + 1} has fewer than ${minLength} characters`)
    if (length > maxLength) throw new UnusableSecret(`line ${index + 1} has more than ${maxLength} characters`)
  }
  return secrets
}

/** Where a sender shows its secret, besides the header `Authorization`. */
export interface SecretPlaces {
  readonly headers?: readonly string[]
  /** A parameter of the URL; only for senders that can set no header. */
  readonly parameter?: string
}

/** A receiver whose senders show a shared secret. */
export function sharedSecretReceiver(secret: string, places: SecretPlaces, parse: Receiver['parse']): Receiver {
  const hashes = secretsOf(secret).map(hashOf)
  return {
    authenticate: (head) => shownSecrets(head, places).some((text) => isOneOf(text, hashes)),
    parse,
  }
}

/** `Authorization` unchanged, as a bearer token, or as the password of any user; then the other places. */
function shownSecrets(head: Head, { headers = [], parameter }: SecretPlaces): readonly string[] {
  const authorization = head.header('authorization')
  const [, scheme = '', value = ''] = /^(Bearer|Basic)\s+(\S+)$/i.exec(authorization ?? '') ?? []
  const password =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
      : value
  const found = [
    authorization,
    password,
    ...headers.map((name) => head.header(name)),
    parameter === undefined ? undefined : head.query.get(parameter),
  ]
  return found.filter((text) => typeof text === 'string' && text !== '') as string[]
}

/** Compares hashes, which have one length, with all secrets: the time it takes reveals nothing. */
function isOneOf(shown: string, hashes: readonly Buffer[]): boolean {
  const shownHash = hashOf(shown)
  return hashes.filter((each) => timingSafeEqual(each, shownHash)).length > 0
}

function hashOf(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
