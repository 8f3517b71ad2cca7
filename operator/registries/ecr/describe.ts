/** What ECR knows about images: DescribeImages, for up to a hundred tags or digests in one call. */
import { LRUCache } from 'lru-cache'
import { messageOf } from '../../errors.ts'
import { isDigest } from '../../images/digest.ts'
import { repositoryName } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import type { Subject } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { EcrApi } from './api.ts'
import { exceptionOf, nameOf, notFound } from './failures.ts'
import { type Image, imagesById } from './image.ts'

/** API reference of DescribeImages: imageIds has at most 100 items. */
const maxIds = 100
const maxMissing = 10_000
/** For this long, a missing tag has its own calls, since it would fail the call for all others. */
const missingMs = 3_600_000

export const describeAction = 'ecr:DescribeImages'
export const notInAnswer = 'no image in the answer has it'

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
   * @throws as `Registry.resolve`
   */
  async find(subject: Subject, id: string, access: Access): Promise<Image> {
    const image = (await this.#describe(subject, [id], access)).get(id)
    if (image === undefined) throw notFound(subject, notInAnswer)
    return image
  }

  /**
   * The images of these tags. Tags that are missing are left out.
   * @throws as `Registry.resolveAll`
   */
  async findAll(subject: Subject, tags: readonly string[], access: Access): Promise<ImagesById> {
    const missing = tags.filter((tag) => this.#missing.has(keyOf(subject, tag, access)))
    const others = tags.filter((tag) => !missing.includes(tag))
    const calls = Array.from({ length: Math.ceil(others.length / maxIds) }, (_, at) =>
      others.slice(at * maxIds, (at + 1) * maxIds),
    )
    return await this.#describeAll(subject, [...calls, ...missing.map((tag) => [tag])], access)
  }

  /** One missing id fails the call for all of them. It is found, remembered and left out. */
  async #describe(subject: Subject, ids: readonly string[], access: Access): Promise<ImagesById> {
    try {
      const found = await this.#send(subject, ids, access)
      for (const id of ids) this.#missing.delete(keyOf(subject, id, access))
      return found
    } catch (error) {
      const exception = exceptionOf(error)
      if (nameOf(exception) !== 'ImageNotFoundException') throw error
      const named = ids.length === 1 ? ids[0] : namedIn(exception, ids)
      if (named !== undefined) {
        this.#missing.set(keyOf(subject, named, access), true)
        const others = ids.filter((id) => id !== named)
        return others.length === 0 ? new Map() : await this.#describe(subject, others, access)
      }
      const middle = ids.length >> 1
      return await this.#describeAll(subject, [ids.slice(0, middle), ids.slice(middle)], access)
    }
  }

  async #describeAll(subject: Subject, calls: readonly (readonly string[])[], access: Access) {
    const found = await Promise.all(calls.map((ids) => this.#describe(subject, ids, access)))
    return new Map(found.flatMap((images) => [...images]))
  }

  async #send(subject: Subject, ids: readonly string[], access: Access): Promise<ImagesById> {
    const imageIds = ids.map((id) => (isDigest(id) ? { imageDigest: id } : { imageTag: id }))
    const input = { ...this.#api.placeOf(subject.repository), imageIds }
    const { imageDetails } = await this.#api.call(
      subject,
      describeAction,
      (sdk, client, options) => client.send(new sdk.DescribeImagesCommand(input), options),
      access,
    )
    return imagesById(subject, ids, imageDetails)
  }
}

const keyOf = ({ repository }: Subject, id: string, { credentials }: Access): string =>
  `${repositoryName(repository)} ${credentialId(credentials)} ${id}`

/** `The image with imageId {imageDigest:'null', imageTag:'x'} does not exist …` names one of the ids. */
function namedIn(error: unknown, ids: readonly string[]): string | undefined {
  const [, said] = /\b(?:imageTag|imageDigest): ?'(?!null')([^']+)'/.exec(messageOf(error)) ?? []
  return ids.find((id) => id === said)
}
