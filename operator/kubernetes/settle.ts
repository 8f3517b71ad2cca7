/** Makes ready what will be kept for long: nothing can change it by mistake, and equal strings are kept once. */

/** Longer ones are rarely equal, and hashing them costs. */
const longestShared = 256
const generationSize = 4096

/** Two generations instead of a list of uses: what was not seen for a whole generation is forgotten. */
let young = new Map<string, string>()
let old = new Map<string, string>()

function share(text: string): string {
  const known = young.get(text) ?? old.get(text)
  if (young.size >= generationSize) {
    old = young
    young = new Map()
  }
  const shared = known ?? text
  young.set(shared, shared)
  return shared
}

/** Names of fields whose values are never equal between objects. */
const unique: ReadonlySet<string> = new Set(['key', 'uid', 'resourceVersion'])

/** Freezes a tree of plain objects and arrays, in place, and shares its strings with those of other trees. */
export function settle<T>(tree: T): T {
  if (typeof tree !== 'object' || tree === null || Object.isFrozen(tree)) return tree
  const fields = tree as Record<string, unknown>
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'string') settle(value)
    else if (value.length <= longestShared && !unique.has(name)) fields[name] = share(value)
  }
  return Object.freeze(tree)
}
