import type { Digest } from '../../images/digest.ts'
import type { Tagged, Untagged } from '../../registries/registry.ts'

/** The outcome for one tag of one repository. */
export interface TagChange {
  readonly tag: string
  /** `left`: the tag points at an image other than the one named, and was not removed. */
  readonly result: Tagged | Untagged | 'left' | 'failed'
  /** The digest that the tag points at; for a removed tag, the digest that it pointed at. */
  readonly digest?: Digest | undefined
  /** The previous digest of a moved tag. */
  readonly was?: Digest | undefined
  /** In a dry run, the condition that the change depends on. */
  readonly onlyIf?: string | undefined
  /** The cause of `failed`. */
  readonly error?: unknown
}

/** Changes one tag after another; a failure does not stop the rest. */
export async function changeEach(
  tags: readonly string[],
  change: (tag: string) => Promise<TagChange>,
): Promise<readonly TagChange[]> {
  const changes: TagChange[] = []
  for (const tag of tags) {
    changes.push(await change(tag).catch((error: unknown) => ({ tag, result: 'failed' as const, error })))
  }
  return changes
}
