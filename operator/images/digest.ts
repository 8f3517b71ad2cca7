/** Digests: the only names of an image that always mean the same image. */
import { createHash } from 'node:crypto'

/** An image's content address, `sha256:` and 64 hexadecimal digits (OCI image spec, descriptor.md#digests). */
export type Digest = `${string}:${string}`

const registered = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

/** Accepts the algorithms that the OCI image spec registers, in their canonical spelling (descriptor.md#digests). */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && registered.test(text)
}

const whole = /\b(sha256:|sha512:)([0-9a-f]{12})[0-9a-f]{52,}\b/g

/**
 * For people: `sha256:` and 12 hexadecimal digits.
 * @param text a digest, or a text with digests in it; the rest of it, such as the name of a version, stays as it is
 */
export const shortDigest = (text: string): string => text.replaceAll(whole, '$1$2')

/** The version in data for programs: the whole digest if it has no name. */
export const exactName = (version: string, digest: string | undefined): string =>
  digest?.startsWith(version) && version === shortDigest(digest) ? digest : version

/** Whether `digest` is the digest of `content`. */
export function isContentOf(digest: Digest, content: Uint8Array): boolean {
  return digestOf(content, digest.startsWith('sha512:') ? 'sha512' : 'sha256') === digest
}

export function digestOf(content: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`
}
