/** Docker Hub's own API beside the registry's: it knows the digest of each tag, and can take a tag off. */

import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import type { Access } from '../registry.ts'
import type { Answer, Transport } from '../transport/transport.ts'
import { HubLogin } from './hub-login.ts'
import { type ListedTag, parseHubPage } from './hub-tags.ts'

export const hubOrigin = 'https://hub.docker.com'
const tagsOfAPage = 100
/** The ten thousand tags that were changed last. */
const mostPages = 100

export class HubApi {
  readonly #transport: Transport
  readonly #origin: string
  readonly #login: HubLogin

  constructor(transport: Transport, origin: string = hubOrigin, clock?: Clock) {
    this.#transport = transport
    this.#origin = origin
    this.#login = new HubLogin(transport, origin, clock)
  }

  /** Those changed last come first. Ends early, with the answer as its return value, where the Hub does not tell. */
  async *tags(repository: Repository, access: Access): AsyncGenerator<readonly ListedTag[], Answer | undefined> {
    const [namespace = '', ...name] = repository.path.split('/')
    const base = `/v2/namespaces/${namespace}/repositories/${encodeURIComponent(name.join('/'))}/tags`
    for (let page = 1; page <= mostPages; page++) {
      const path = `${base}?page_size=${tagsOfAPage}&page=${page}&ordering=last_updated`
      const answer = await this.#ask('GET', path, access)
      const listed = answer.status === 200 ? parseHubPage(answer.body) : undefined
      if (listed === undefined) return answer
      yield listed.tags
      if (listed.isLast) return undefined
    }
    return undefined
  }

  /** As Docker's own hub-tool does it: 204 when the tag is off, 404 where there is none that these credentials see. */
  async untag(repository: Repository, tag: string, access: Access): Promise<Answer> {
    return await this.#ask('DELETE', `/v2/repositories/${repository.path}/tags/${tag}/`, access)
  }

  async #ask(method: 'GET' | 'DELETE', path: string, access: Access): Promise<Answer> {
    const send = async (): Promise<Answer> => {
      const authorization = await this.#login.header(access)
      return await this.#transport.send({
        // Its own limits are not the registry's: who has asked too often here may still be told what a tag points at.
        host: new URL(this.#origin).host,
        purpose: 'tags',
        method,
        origin: this.#origin,
        path,
        headers: { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) },
        destination: 'configured',
        urgent: access.urgent,
        signal: access.signal,
      })
    }
    const answer = await send()
    if (answer.status !== 401 || access.credentials.kind !== 'basic') return answer
    this.#login.forget(access)
    return await send()
  }
}
