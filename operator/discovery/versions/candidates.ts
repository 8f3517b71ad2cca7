/** The tags of a repository that could be the version of an image. */

import { Slices } from '../../time/slices.ts'
import { compareNaturally } from './natural-order.ts'
import type { VersionSyntax } from './version-syntax.ts'

/**
 * In no particular order.
 * @param followed the moving tag itself, which is never a version
 * @param onOther called for each tag that could not be
 * @throws NeedsChangeError `VersionSyntaxInvalid` if the pattern takes too long
 */
export async function candidateTags(
  tags: readonly string[],
  followed: string | undefined,
  syntax: VersionSyntax,
  onOther?: (tag: string) => void,
): Promise<string[]> {
  const found = new Set<string>()
  const slices = new Slices(syntax.tooLong)
  for (const tag of tags) {
    if (tag !== followed && syntax.matches(tag)) found.add(tag)
    else onOther?.(tag)
    if (slices.counts()) await slices.next()
  }
  return [...found]
}

/** By preference: versions with a higher number first. */
export const highestFirst = (tags: readonly string[]): string[] =>
  tags.toSorted((one, other) => compareNaturally(other, one))
