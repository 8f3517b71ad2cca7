/**
 * Lists of tags, shared by searches at the same time. A list that was begun before a search may lack the very tag that is
 * searched for, so a search that comes while one is being read shares the next one.
 */
import { scopeOf, type VersionQuery } from './version.ts'

type Tags = readonly string[]

/** The rest of a larger repository is not read. */
const maxTags = 20_000

interface Reading {
  readonly current: Promise<Tags>
  next?: Promise<Tags>
}

export class TagLists {
  readonly #readings = new Map<string, Reading>()

  get(query: VersionQuery): Promise<Tags> {
    const reading = this.#readings.get(scopeOf(query))
    if (reading === undefined) return this.#start(query)
    reading.next ??= reading.current.catch(() => undefined).then(() => this.#start(query))
    return reading.next
  }

  #start(query: VersionQuery): Promise<Tags> {
    const scope = scopeOf(query)
    const reading: Reading = { current: read(query) }
    this.#readings.set(scope, reading)
    const end = () => {
      if (this.#readings.get(scope) === reading && reading.next === undefined) this.#readings.delete(scope)
    }
    reading.current.then(end, end)
    return reading.current
  }
}

async function read({ registry, repository, access }: VersionQuery): Promise<Tags> {
  const tags: string[] = []
  for await (const page of registry.tags(repository, access)) {
    tags.push(...page)
    if (tags.length >= maxTags) return tags.slice(0, maxTags)
  }
  return tags
}
