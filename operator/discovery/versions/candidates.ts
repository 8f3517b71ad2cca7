/** The tags of a repository that could be the version of an image. */
import { setImmediate } from 'node:timers/promises'
import { compareNaturally } from './natural-order.ts'
import type { VersionSyntax } from './version-syntax.ts'

/** How long this may block other work. */
const maxSliceMs = 10

/**
 * In no particular order.
 * @param followed the moving tag itself, which is never a version
 */
export async function candidateTags(
  tags: readonly string[],
  followed: string | undefined,
  syntax: VersionSyntax,
): Promise<string[]> {
  const found = new Set<string>()
  let since = performance.now()
  for (const tag of tags) {
    if (tag !== followed && syntax.matches(tag)) found.add(tag)
    if (performance.now() - since < maxSliceMs) continue
    await setImmediate()
    since = performance.now()
  }
  return [...found]
}

/** By preference: versions with a higher number first. */
export const highestFirst = (tags: readonly string[]): string[] =>
  tags.toSorted((one, other) => compareNaturally(other, one))
