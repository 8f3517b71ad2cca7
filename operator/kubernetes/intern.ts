/** Saves memory for objects that stay in a cache: they are frozen, and equal strings are kept once. */
import { LRUCache } from 'lru-cache'

/** Longer strings are rarely equal and slow to hash. */
const maxSharedLength = 256

const strings = new LRUCache<string, string>({ max: 8192 })

/** Names of fields whose values are never equal between objects. */
const uniqueFields: ReadonlySet<string> = new Set(['key', 'uid', 'resourceVersion'])

/** Freezes a tree of plain objects and arrays in place, and shares its strings with those of other trees. */
export function intern<T>(tree: T): T {
  if (typeof tree !== 'object' || tree === null || Object.isFrozen(tree)) return tree
  const fields = tree as Record<string, unknown>
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'string') intern(value)
    else if (value.length <= maxSharedLength && !uniqueFields.has(name)) fields[name] = shared(value)
  }
  return Object.freeze(tree)
}

function shared(text: string): string {
  const known = strings.get(text)
  if (known !== undefined) return known
  strings.set(text, text)
  return text
}
