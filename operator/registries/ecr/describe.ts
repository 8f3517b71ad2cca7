/** What ECR knows of images, asked for up to a hundred tags or digests at once. */
import { messageOf } from '../../errors.ts'
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { monotonicClock } from '../../time/timing.ts'
import { credentialId } from '../credentials/credential-id.ts'
import type { Asked } from '../failures.ts'
import { Lru } from '../lru.ts'
import type { Access } from '../registry.ts'
import type { EcrApi } from './api.ts'
import { type Answers, Coalesced } from './coalesced.ts'
import { awsFailure, isImageAbsent } from './failures.ts'
import { type Image, imagesById } from './image.ts'

/** Of one DescribeImages (its API reference: imageIds, at most 100 items). */
const mostIds = 100
/** Polls of one repository come together; those of several followers may be some milliseconds apart. */
const gatherMs = 10
const mostMissing = 10_000
/** So long a tag that was not there is asked for by itself, since it would spoil the question for all others. */
const missingMs = 3_600_000
const action = 'ecr:DescribeImages'

interface Place {
  readonly repository: Repository
  readonly access: Access
}

export class ImageQuestions {
  readonly #api: EcrApi
  readonly #questions: Coalesced<Place, Image>
  /** Until when; by repository and id. */
  readonly #missing = new Lru<number>(mostMissing)

  constructor(api: EcrApi) {
    this.#api = api
    this.#questions = new Coalesced(
      ({ repository, access }, ids, signal) => this.#describe({ repository, access: { ...access, signal } }, ids),
      mostIds,
      gatherMs,
    )
  }

  /**
   * @param id a tag or a digest
   * @returns undefined where there is no such image
   */
  async find(asked: Asked, id: string, access: Access): Promise<Image | undefined> {
    const { repository } = asked
    const { signal } = access
    const place = { repository, access }
    try {
      return await this.#questions.get(place, nameOf(place), id, signal)
    } catch (error) {
      signal?.throwIfAborted()
      // It was asked together with others: each is told of its own.
      throw awsFailure(asked, action, error, access)
    }
  }

  async #describe(place: Place, ids: readonly string[]): Promise<Answers<Image>> {
    const suspects = ids.filter((id) => this.#isMissing(place, id))
    const others = ids.filter((id) => !suspects.includes(id))
    const parts = [...(others.length > 0 ? [others] : []), ...suspects.map((id) => [id])]
    return await this.#askAll(place, parts)
  }

  /** One id that is not there fails the question for all: it is found, remembered, and left out. */
  async #ask(place: Place, ids: readonly string[]): Promise<Answers<Image>> {
    try {
      const answers = await this.#send(place, ids)
      for (const id of ids) this.#missing.delete(keyOf(place, id))
      return answers
    } catch (error) {
      if (!isImageAbsent(error)) throw error
      const named = ids.length === 1 ? ids[0] : namedIn(error, ids)
      if (named !== undefined) this.#missing.set(keyOf(place, named), monotonicClock.now() + missingMs)
      const rest = ids.filter((id) => id !== named)
      if (named !== undefined) return rest.length === 0 ? new Map() : await this.#ask(place, rest)
      const middle = ids.length >> 1
      return await this.#askAll(place, [ids.slice(0, middle), ids.slice(middle)])
    }
  }

  async #askAll(place: Place, parts: readonly (readonly string[])[]) {
    const found = await Promise.all(parts.map((part) => this.#ask(place, part)))
    return new Map(found.flatMap((answers) => [...answers]))
  }

  async #send(place: Place, ids: readonly string[]): Promise<Answers<Image>> {
    const imageIds = ids.map((id) => (isDigest(id) ? { imageDigest: id } : { imageTag: id }))
    const { repository, access } = place
    const input = { ...this.#api.placeOf(repository), imageIds }
    const { imageDetails } = await this.#api.attempt(
      repository,
      (sdk, client, options) => client.send(new sdk.DescribeImagesCommand(input), options),
      access,
    )
    return imagesById(ids, imageDetails)
  }

  #isMissing(place: Place, id: string): boolean {
    const until = this.#missing.get(keyOf(place, id))
    return until !== undefined && monotonicClock.now() < until
  }
}

const nameOf = ({ repository, access }: Place): string =>
  `${repositoryName(repository)} ${credentialId(access.credentials)}`
const keyOf = (place: Place, id: string): string => `${nameOf(place)} ${id}`

/** `The image with imageId {imageDigest:'null', imageTag:'x'} does not exist …`: which of those that were asked for. */
function namedIn(error: unknown, ids: readonly string[]): string | undefined {
  const [, said] = /\b(?:imageTag|imageDigest): ?'(?!null')([^']+)'/.exec(messageOf(error)) ?? []
  return ids.find((id) => id === said)
}
