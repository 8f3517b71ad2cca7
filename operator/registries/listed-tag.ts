import type { Digest } from '../images/digest.ts'
import { isDigest } from '../images/digest.ts'
import { isTag } from '../images/reference.ts'

/** A tag in the list of a registry's own API. */
export interface ListedTag {
  readonly name: string
  readonly digest: Digest | undefined
  /** Milliseconds since the epoch. */
  readonly pushedAt: number | undefined
}

export interface TagPage {
  readonly tags: readonly ListedTag[]
  readonly isLast: boolean
}

/** Nothing for a name that is no tag. @param pushedAt in milliseconds; not positive: unknown (Go's zero time is before 1970) */
export function listedTag(name: unknown, digest: unknown, pushedAt: number): readonly ListedTag[] {
  if (typeof name !== 'string' || !isTag(name)) return []
  return [{ name, digest: isDigest(digest) ? digest : undefined, pushedAt: pushedAt > 0 ? pushedAt : undefined }]
}

/** Skips everything in a list that is not an object. */
export const objectsIn = (list: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(list) ? list.filter((entry) => typeof entry === 'object' && entry !== null) : []
