/** The list of a repository's tags, page by page (OCI distribution spec, "Listing Tags"). */
import { LRUCache } from 'lru-cache'
import { isTag, type Repository, repositoryName } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { answerInvalid, type Subject, statusFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { Answer } from '../transport/transport.ts'
import type { OciClient } from './client.ts'
import { nextLink } from './link.ts'
import { parseObject, shown } from './manifest.ts'

const tagsPerPage = 1000
/** A longer list must be a loop. */
const maxPages = 1000
/** With at most 1,000 tags each, some 10 MB. */
const maxCachedPages = 200
const maxEtag = 256
/** Registries refuse a page of that size with these; Quay has answered 413 (google/go-containerregistry#1963). */
const sizeRefusals = new Set([400, 405, 413, 416, 422])
const noSuchPage = new Set([400, 404, 416, 422])

interface Page {
  readonly tags: readonly string[]
  /** The query of the link to the next page; empty for a link without one. */
  readonly next: string | undefined
}

/**
 * A page that came with an entity tag, so that the next request for it can be conditional. The specification does not
 * require entity tags, and most registries send none.
 */
interface CachedPage extends Page {
  readonly etag: string
}

export class TagPages {
  readonly #client: OciClient
  readonly #pages = new LRUCache<string, CachedPage>({ max: maxCachedPages })

  constructor(client: OciClient) {
    this.#client = client
  }

  /** Ends wherever the registry leads: with the last page, with one that was there before, or with an error. */
  async *of(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    const subject: Subject = { repository, what: 'the list of tags' }
    const visited = new Set<string>()
    let before: readonly string[] = []
    let query: string | undefined = `?n=${tagsPerPage}`
    let isGuess = false
    while (query !== undefined) {
      if (visited.size === maxPages) throw answerInvalid(subject, `more than ${maxPages} pages`)
      visited.add(query)
      const { tags, next } = await this.#page(subject, query, access, isGuess)
      const isSame = tags.length > 0 && tags.length === before.length && tags.every((tag, at) => tag === before[at])
      if (!isSame) yield tags
      before = tags
      // Some registries lose their place (renovatebot/renovate#35917), or a full page has no link (sonatype/nexus-public#117).
      const own = `?n=${tagsPerPage}&last=${tags.at(-1)}`
      const isMore = next !== undefined || tags.length === tagsPerPage
      const further = isMore && tags.length > 0 ? [isSame ? undefined : next, own] : [next]
      query = further.find((each) => each && !visited.has(each))
      isGuess = next === undefined
    }
  }

  /** @param isGuess the registry named no such page, and may not have it */
  async #page(subject: Subject, query: string, access: Access, isGuess: boolean): Promise<Page> {
    // By credential: what one tenant may see is not shown to another.
    const key = `${repositoryName(subject.repository)} ${query} ${credentialId(access.credentials)}`
    const known = this.#pages.get(key)
    const answer = await this.#request(subject, query, access, known?.etag)
    if (answer.status === 304 && known !== undefined) return known
    if (isGuess && noSuchPage.has(answer.status)) return { tags: [], next: undefined }
    if (answer.status !== 200) throw statusFailure(subject, answer.status, access.credentials, answer.retryAfterMs)
    const { tags } = parseObject(answer.body) ?? {}
    // A repository without tags has null there.
    if (!Array.isArray(tags) && tags !== null)
      throw answerInvalid(subject, `${shown(answer)} instead of a list of tags`)
    const page: Page = {
      tags: (tags ?? []).filter((tag: unknown): tag is string => typeof tag === 'string' && isTag(tag)),
      next: nextQuery(answer),
    }
    const { etag } = answer.headers
    if (typeof etag === 'string' && etag !== '' && etag.length <= maxEtag) this.#pages.set(key, { ...page, etag })
    else this.#pages.delete(key)
    return page
  }

  async #request(subject: Subject, query: string, access: Access, etag: string | undefined): Promise<Answer> {
    const headers = { accept: 'application/json', ...(etag !== undefined && { 'if-none-match': etag }) }
    const list = `/v2/${subject.repository.path}/tags/list`
    const request = { subject, access, purpose: 'tags', method: 'GET', headers } as const
    const answer = await this.#client.send({ ...request, path: `${list}${query}` })
    if (!sizeRefusals.has(answer.status) || query !== `?n=${tagsPerPage}`) return answer
    return await this.#client.send({ ...request, path: list })
  }
}

/**
 * Only the query of a link counts, for the same list at the same host: behind proxies, registries write other schemes, hosts
 * and paths into their links (sonatype/nexus-public#1011), and a link to another host would get the credentials.
 */
function nextQuery({ headers }: Answer): string | undefined {
  const link = nextLink(headers.link?.toString())
  // Percent-encodes what cannot be in an address.
  return link === undefined ? undefined : new URL(/\?[^#]*/.exec(link)?.[0] ?? '', 'http://registry').search
}
