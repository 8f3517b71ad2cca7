/** Docker Hub's own API beside the registry's (docs.docker.com/reference/api/hub): it lists tags, and can remove one. */
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { listedTag, objectsIn, type TagPage } from '../listed-tag.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Access } from '../registry.ts'
import type { Answer, Transport } from '../transport/transport.ts'
import { HubLogin } from './hub-login.ts'

const hubOrigin = 'https://hub.docker.com'
const tagsPerPage = 100

export class HubApi {
  readonly #transport: Transport
  readonly #origin: string
  readonly #login: HubLogin

  constructor(transport: Transport, origin: string = hubOrigin, clock?: Clock) {
    this.#transport = transport
    this.#origin = origin
    this.#login = new HubLogin(transport, origin, clock)
  }

  /** One page, from 1 on. Those changed last come first. */
  async tags({ path }: Repository, page: number, access: Access): Promise<Answer> {
    const [namespace = '', ...name] = path.split('/')
    const base = `/v2/namespaces/${namespace}/repositories/${encodeURIComponent(name.join('/'))}/tags`
    const query = `page_size=${tagsPerPage}&page=${page}&ordering=last_updated`
    return await this.#send('GET', `${base}?${query}`, access)
  }

  /** As Docker's hub-tool does: 204 when the tag is removed, 404 if these credentials see none. */
  async untag({ path }: Repository, tag: string, access: Access): Promise<Answer> {
    return await this.#send('DELETE', `/v2/repositories/${path}/tags/${tag}/`, access)
  }

  async #send(method: 'GET' | 'DELETE', path: string, access: Access): Promise<Answer> {
    const send = async (): Promise<Answer> => {
      const authorization = await this.#login.header(access)
      return await this.#transport.send({
        // Its limits are not those of the registry.
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

/** "List repository tags". `undefined` if it is not such a page. */
export function parseHubPage(body: Buffer): TagPage | undefined {
  const { results, next } = parseObject(body) ?? {}
  if (!Array.isArray(results)) return undefined
  const tags = objectsIn(results).flatMap(({ name, digest, images, tag_last_pushed, last_updated }) =>
    listedTag(name, isDigest(digest) ? digest : onlyImage(images), Date.parse(String(tag_last_pushed ?? last_updated))),
  )
  return { tags, isLast: typeof next !== 'string' || next === '' || results.length === 0 }
}

/** Old tags have their digest only at the image. With several images, it would be that of one platform. */
function onlyImage(images: unknown): unknown {
  const [image, ...others] = objectsIn(images)
  return others.length === 0 ? image?.digest : undefined
}
