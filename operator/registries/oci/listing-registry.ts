import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { isTag } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { answerInvalid, OlderTagsUnread, type Subject, statusFailure, transportFailure } from '../failures.ts'
import type { Access, Aliases, Credentials } from '../registry.ts'
import { type Answer, Paused, type Request, Unreachable } from '../transport/transport.ts'
import { OciRegistry } from './oci.ts'

/** A tag in the list of a registry's own API. */
export interface ListedTag {
  readonly name: string
  readonly digest: Digest | undefined
  /** Milliseconds since the epoch. */
  readonly pushedAt: number | undefined
}

export interface TagPage {
  readonly tags: readonly ListedTag[]
  readonly isLast: boolean
}

export interface TagListing {
  readonly tags: readonly ListedTag[]
  /** False if there are more tags than are read. */
  readonly isComplete: boolean
}

/** Empty for a name that is not a tag. @param pushedAt in milliseconds; not positive: unknown (Go's zero time is before 1970) */
export function listedTag(name: unknown, digest: unknown, pushedAt: number): readonly ListedTag[] {
  if (typeof name !== 'string' || !isTag(name)) return []
  return [{ name, digest: isDigest(digest) ? digest : undefined, pushedAt: pushedAt > 0 ? pushedAt : undefined }]
}

interface AskOptions {
  readonly authorization?: string | undefined
  readonly method?: Request['method']
  readonly origin?: string
}

/** An OCI registry that also has its own API, which lists tags with their digests and push times. */
export abstract class ListingRegistry extends OciRegistry {
  /** For messages. */
  protected readonly listed: string = 'tags with their push times'
  /** More would take too long, and burden the registry. Tags that were pushed last come first. */
  protected readonly maxPages: number = 100

  /** Asks the registry's own API. @param origin if it has another host than images have */
  protected async ask(
    host: string,
    path: string,
    { credentials, urgent, signal }: Access,
    { authorization, method = 'GET', origin = this.transport.originOf(host) }: AskOptions = {},
  ): Promise<Answer> {
    const headers = { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) }
    return await this.transport.send({
      host,
      purpose: 'tags',
      method,
      origin,
      path,
      headers,
      destination: 'configured',
      credential: credentialId(credentials),
      urgent,
      signal,
    })
  }

  /** @param page from 1 on. @returns undefined if there is no such list */
  protected abstract requestPage(repository: Repository, page: number, access: Access): Promise<Answer | undefined>
  /** Skips entries that make no sense. @returns undefined if it is not a page */
  protected abstract parsePage(body: Buffer): TagPage | undefined
  /** Which credentials the API gets. */
  protected listCredentials({ credentials }: Access): Credentials {
    return credentials
  }

  /** `undefined` if the API does not list them. The tags are then searched, as in any registry. */
  async aliases(repository: Repository, digest: Digest, access: Access): Promise<Aliases | undefined> {
    return await this.ifListed(async () => {
      const { tags, isComplete } = await this.list(repository, access)
      return { tags: tags.filter((tag) => tag.digest === digest).map(({ name }) => name), isComplete }
    })
  }

  async *pushTimes(repository: Repository, access: Access): AsyncIterable<ReadonlyMap<string, number>> {
    let count = 0
    let isComplete = false
    for await (const { tags, isLast } of this.#pages(repository, access)) {
      yield new Map(tags.flatMap(({ name, pushedAt }) => (pushedAt === undefined ? [] : [[name, pushedAt] as const])))
      count += tags.length
      isComplete = isLast
    }
    if (!isComplete) throw new OlderTagsUnread(repository, count)
  }

  /** @throws NeedsChangeError, TransientError if the API does not list the tags */
  protected async list(repository: Repository, access: Access): Promise<TagListing> {
    const listed: ListedTag[] = []
    let isComplete = false
    for await (const { tags, isLast } of this.#pages(repository, access)) {
      listed.push(...tags)
      isComplete = isLast
    }
    return { tags: listed, isComplete }
  }

  /** Ends without a last page if there are more than `maxPages`. */
  async *#pages(repository: Repository, access: Access): AsyncIterable<TagPage> {
    const subject: Subject = { repository, what: `the list of ${this.listed}` }
    for (let page = 1; page <= this.maxPages; page++) {
      const answer = await this.requestPage(repository, page, access).catch((error: unknown) => {
        throw transportFailure(subject, error)
      })
      if (answer?.status !== 200) {
        throw statusFailure(subject, answer?.status ?? 404, this.listCredentials(access), answer?.retryAfterMs)
      }
      const listed = this.parsePage(answer.body)
      if (listed === undefined) throw answerInvalid(subject, `no list of ${this.listed} in it`)
      yield listed
      if (listed.isLast) return
    }
  }

  /** `undefined` if the API does not list the tags, or is down. */
  protected async ifListed<T>(read: () => Promise<T>, deadline?: AbortSignal): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (deadline?.aborted || away.some((known) => error instanceof known)) return undefined
      throw error
    }
  }
}

const away = [NeedsChangeError, TransientError, Unreachable, Paused]
