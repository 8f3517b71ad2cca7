/**
 * Lists of tags, shared by those who ask at the same time. A list that was begun before the question may lack the very
 * tag that is looked for, so whoever comes while one is being read shares the next one.
 */

import { repositoryName } from '../../images/reference.ts'
import { credentialId } from '../../registries/credentials/credential-id.ts'
import type { VersionPlace } from './version.ts'

/** Of a larger repository only so many are looked through. */
const mostTags = 20_000

interface Reading {
  readonly current: Promise<readonly string[]>
  next?: Promise<readonly string[]>
}

export class TagLists {
  readonly #readings = new Map<string, Reading>()

  async get(query: VersionPlace): Promise<readonly string[]> {
    const key = `${repositoryName(query.repository)} ${credentialId(query.access.credentials)}`
    const reading = this.#readings.get(key)
    if (reading === undefined) return await this.#start(key, query)
    reading.next ??= reading.current.catch(() => undefined).then(() => this.#start(key, query))
    return await reading.next
  }

  #start(key: string, query: VersionPlace): Promise<readonly string[]> {
    const reading: Reading = { current: read(query) }
    this.#readings.set(key, reading)
    const forget = (): void => {
      if (this.#readings.get(key) === reading && reading.next === undefined) this.#readings.delete(key)
    }
    reading.current.then(forget, forget)
    return reading.current
  }
}

async function read({ registry, repository, access }: VersionPlace): Promise<readonly string[]> {
  const tags: string[] = []
  for await (const page of registry.tags(repository, access)) {
    for (const tag of page) {
      if (tags.length === mostTags) return tags
      tags.push(tag)
    }
  }
  return tags
}
