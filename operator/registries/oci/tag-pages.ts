/**
 * Pages of tag lists that came with an entity tag, so that the next request for them can be conditional. The distribution
 * specification does not require entity tags, and most registries send none.
 */
import { LRUCache } from 'lru-cache'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import type { Access } from '../registry.ts'

export interface TagPage {
  readonly etag: string
  readonly tags: readonly string[]
  /** The path of the next page. */
  readonly next: string | undefined
}

/** With at most 1,000 tags each, some 10 MB. */
const maxPages = 200
const maxEtag = 256

export class TagPages {
  readonly #pages = new LRUCache<string, TagPage>({ max: maxPages })

  get(repository: Repository, path: string, access: Access): TagPage | undefined {
    return this.#pages.get(keyOf(repository, path, access))
  }

  remember(repository: Repository, path: string, access: Access, page: Omit<TagPage, 'etag'>, etag: unknown): void {
    const key = keyOf(repository, path, access)
    if (typeof etag === 'string' && etag !== '' && etag.length <= maxEtag) this.#pages.set(key, { ...page, etag })
    else this.#pages.delete(key)
  }
}

/** By credential: what one tenant may see is not shown to another. */
const keyOf = (repository: Repository, path: string, { credentials }: Access): string =>
  `${repositoryName(repository)} ${path} ${credentialId(credentials)}`
