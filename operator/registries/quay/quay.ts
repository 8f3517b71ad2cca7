/**
 * Quay: an OCI registry that also tells the digests and push times of all tags, to everybody for public repositories. Its
 * own API takes no robot accounts, so private repositories are searched as on any other registry. A Quay of one's own is
 * known by what the settings or `--provider` say.
 */

import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { type Asked, statusFailure, transportFailure } from '../failures.ts'
import { OciRegistry } from '../oci/oci.ts'
import { type Access, anonymous } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { type Answer, Paused, Unreachable } from '../transport/transport.ts'
import { parseQuayPage, type QuayTag } from './quay-tags.ts'

const tagsOfAPage = 100
const mostPages = 100

export class QuayRegistry extends OciRegistry {
  override readonly kind = 'quay'
  /** Undefined where Quay's own API does not tell: for private repositories, and while it is away. */
  async aliases(repository: Repository, digest: Digest, access: Access): Promise<readonly string[] | undefined> {
    const found: string[] = []
    try {
      const pages = this.#pages(repository, access)
      for (let page = await pages.next(); ; page = await pages.next()) {
        if (page.done === true) return page.value === undefined ? found : undefined
        found.push(...page.value.filter((tag) => tag.digest === digest).map(({ name }) => name))
      }
    } catch (error) {
      if (error instanceof Unreachable || error instanceof Paused) return undefined
      throw error
    }
  }

  async *pushTimes(repository: Repository, access: Access): AsyncIterable<ReadonlyMap<string, number>> {
    const asked: Asked = { repository, what: 'the list of tags with their push times' }
    try {
      const pages = this.#pages(repository, access)
      for (let page = await pages.next(); ; page = await pages.next()) {
        if (page.done !== true) {
          yield new Map(page.value.flatMap(({ name, pushedAt }) => (pushedAt === undefined ? [] : [[name, pushedAt]])))
          continue
        }
        if (page.value === undefined) return
        throw statusFailure(asked, page.value.status, anonymous, page.value.retryAfterMs)
      }
    } catch (error) {
      throw transportFailure(asked, error)
    }
  }

  async *#pages(repository: Repository, access: Access): AsyncGenerator<readonly QuayTag[], Answer | undefined> {
    for (let page = 1; page <= mostPages; page++) {
      const answer = await this.transport.send({
        host: repository.host,
        purpose: 'tags',
        method: 'GET',
        origin: this.transport.originOf(repository.host),
        path: `/api/v1/repository/${repository.path}/tag/?onlyActiveTags=true&limit=${tagsOfAPage}&page=${page}`,
        headers: { accept: 'application/json' },
        destination: 'configured',
        urgent: access.urgent,
        signal: access.signal,
      })
      const listed = answer.status === 200 ? parseQuayPage(answer.body) : undefined
      if (listed === undefined) return answer
      yield listed.tags
      if (listed.isLast) return undefined
    }
    return undefined
  }
}

export const quay: RegistryKind = {
  kind: 'quay',
  serves: (host) => host === 'quay.io',
  servesAnyHost: true,
  make: ({ transport }) => new QuayRegistry(transport),
}
