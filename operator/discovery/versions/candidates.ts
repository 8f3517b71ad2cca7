/** The tags of a repository that could be the alias of an image. */
import { setImmediate } from 'node:timers/promises'
import { compareNaturally } from './natural-order.ts'
import type { VersionSyntax } from './version-syntax.ts'

/** How long other work may be kept waiting. */
const sliceMs = 10

/**
 * In whatever order they come.
 * @param followed the moving tag itself, which is nobody's version
 */
export async function candidateTags(
  tags: readonly string[],
  followed: string,
  syntax: VersionSyntax,
): Promise<string[]> {
  const found = new Set<string>()
  let since = performance.now()
  for (const tag of tags) {
    if (tag !== followed && syntax.matches(tag)) found.add(tag)
    if (performance.now() - since < sliceMs) continue
    await setImmediate()
    since = performance.now()
  }
  return [...found]
}

/** In the order of preference: by numbers where there are any. */
export const highestFirst = (tags: readonly string[]): string[] =>
  tags.toSorted((one, other) => compareNaturally(other, one))
