/** What ECR knows about images: DescribeImages, for up to a hundred tags or digests in one call. */
import { LRUCache } from 'lru-cache'
import { messageOf } from '../../errors.ts'
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import type { Access } from '../registry.ts'
import type { EcrApi } from './api.ts'
import { isImageAbsent } from './failures.ts'
import { type Image, imagesById } from './image.ts'

/** API reference of DescribeImages: imageIds has at most 100 items. */
const maxIds = 100
const maxMissing = 10_000
/** For this long, a tag that was missing has calls of its own, since it would fail a call for all others. */
const missingMs = 3_600_000

export type ImagesById = ReadonlyMap<string, Image>

export class Images {
  readonly #api: EcrApi
  /** By repository, credential and id. */
  readonly #missing = new LRUCache<string, true>({ max: maxMissing, ttl: missingMs })

  constructor(api: EcrApi) {
    this.#api = api
  }

  /**
   * @param id a tag or a digest
   * @returns undefined where there is no such image
   * @throws what the SDK throws
   */
  async find(repository: Repository, id: string, access: Access): Promise<Image | undefined> {
    const found = await this.#describe(repository, [id], access)
    return found.get(id)
  }

  /**
   * The images of these tags; those that are missing are left out.
   * @throws what the SDK throws, but for missing tags
   */
  async findAll(repository: Repository, tags: readonly string[], access: Access): Promise<ImagesById> {
    const missing = tags.filter((tag) => this.#missing.has(keyOf(repository, tag, access)))
    const others = tags.filter((tag) => !missing.includes(tag))
    const calls = Array.from({ length: Math.ceil(others.length / maxIds) }, (_, at) =>
      others.slice(at * maxIds, (at + 1) * maxIds),
    )
    return await this.#describeAll(repository, [...calls, ...missing.map((tag) => [tag])], access)
  }

  /** One missing id fails the call for all of them. It is found, remembered and left out. */
  async #describe(repository: Repository, ids: readonly string[], access: Access): Promise<ImagesById> {
    try {
      const found = await this.#send(repository, ids, access)
      for (const id of ids) this.#missing.delete(keyOf(repository, id, access))
      return found
    } catch (error) {
      if (!isImageAbsent(error)) throw error
      const named = ids.length === 1 ? ids[0] : namedIn(error, ids)
      if (named !== undefined) {
        this.#missing.set(keyOf(repository, named, access), true)
        const others = ids.filter((id) => id !== named)
        return others.length === 0 ? new Map() : await this.#describe(repository, others, access)
      }
      const middle = ids.length >> 1
      return await this.#describeAll(repository, [ids.slice(0, middle), ids.slice(middle)], access)
    }
  }

  async #describeAll(repository: Repository, calls: readonly (readonly string[])[], access: Access) {
    const found = await Promise.all(calls.map((ids) => this.#describe(repository, ids, access)))
    return new Map(found.flatMap((images) => [...images]))
  }

  async #send(repository: Repository, ids: readonly string[], access: Access): Promise<ImagesById> {
    const imageIds = ids.map((id) => (isDigest(id) ? { imageDigest: id } : { imageTag: id }))
    const input = { ...this.#api.placeOf(repository), imageIds }
    const { imageDetails } = await this.#api.attempt(
      repository,
      (sdk, client, options) => client.send(new sdk.DescribeImagesCommand(input), options),
      access,
    )
    return imagesById(ids, imageDetails)
  }
}

const keyOf = (repository: Repository, id: string, { credentials }: Access): string =>
  `${repositoryName(repository)} ${credentialId(credentials)} ${id}`

/** `The image with imageId {imageDigest:'null', imageTag:'x'} does not exist …` names one of the ids. */
function namedIn(error: unknown, ids: readonly string[]): string | undefined {
  const [, said] = /\b(?:imageTag|imageDigest): ?'(?!null')([^']+)'/.exec(messageOf(error)) ?? []
  return ids.find((id) => id === said)
}
