/** Secrets that are shown as they are: in a header, or in the URL where a registry can send nothing else. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Head, type Receiver, SecretUnusable } from './receivers/receiver.ts'

const shortest = 16
const longest = 1024

/**
 * The secrets of a file, one a line: while a secret is changed, the old and the new one both hold.
 * @throws SecretUnusable
 */
export function secretsOf(text: string): readonly string[] {
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (secrets.length === 0) throw new SecretUnusable('it is empty')
  for (const [index, { length }] of secrets.entries()) {
    if (length < shortest) throw new SecretUnusable(`line ${index + 1} has fewer than ${shortest} characters`)
    if (length > longest) throw new SecretUnusable(`line ${index + 1} has more than ${longest} characters`)
  }
  return secrets
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares hashes, which have one length, with all secrets: how long it takes tells nothing. */
function isOneOf(shown: string, hashes: readonly Buffer[]): boolean {
  const hash = hashOf(shown)
  let found = false
  for (const each of hashes) found = timingSafeEqual(each, hash) || found
  return found
}

export interface Shown {
  /** Headers besides Authorization that carry the secret. */
  readonly headers?: readonly string[]
  /** A parameter of the URL; only for senders that can set no header. */
  readonly parameter?: string
}

/** `Authorization` as it is, as a bearer token, or as the password of any user; then the others. */
function shown(head: Head, { headers = [], parameter }: Shown): readonly string[] {
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

/** A receiver whose sender shows the secret itself. */
export function tokenReceiver(secret: string, where: Shown, read: Receiver['read']): Receiver {
  const hashes = secretsOf(secret).map(hashOf)
  return {
    authenticate: (head) => shown(head, where).some((text) => isOneOf(text, hashes)),
    read,
  }
}
