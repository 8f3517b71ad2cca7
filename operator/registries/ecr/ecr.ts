/**
 * Private registries of Amazon ECR, by its own API: one call reads a hundred tags, or all tags on an image. It uses an AWS
 * identity. Pull secrets hold tokens of the OCI protocol, which this API does not accept.
 */

import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { isTag } from '../../images/reference.ts'
import { answerInvalid, type Subject } from '../failures.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Access, Described, Labels, Registry, ResolvedTags, Tagged, Untagged } from '../registry.ts'
import type { RegistryDeps, RegistryKind } from '../registry-kind.ts'
import { EcrApi } from './api.ts'
import { AwsCloud } from './aws-cloud.ts'
import { Images } from './describe.ts'
import { awsFailure, imageNotFound, tagNotFound } from './failures.ts'
import { parseEcrHost } from './host.ts'
import { type Image, imagesOf } from './image.ts'
import { readLabels, readManifest } from './manifests.ts'
import { EcrTagging } from './tagging.ts'

const pageSize = 1000
/** A longer listing goes round in circles. */
const maxPages = 1000
const notInAnswer = 'no image in the answer has it'
const describeAction = 'ecr:DescribeImages'

export class EcrRegistry implements Registry {
  readonly kind = 'ecr'
  readonly #api: EcrApi
  readonly #images: Images
  readonly #tagging: EcrTagging

  constructor(deps: RegistryDeps) {
    this.#api = new EcrApi(deps)
    this.#images = new Images(this.#api)
    this.#tagging = new EcrTagging(this.#api, this.#images)
  }

  async resolve(repository: Repository, tag: string, access: Access): Promise<Digest> {
    const image = await this.#find({ repository, what: `tag ${tag}` }, tag, access)
    return image.digest
  }

  async resolveAll(repository: Repository, tags: readonly string[], access: Access): Promise<ResolvedTags> {
    const found = await this.#images.findAll(repository, tags, access).catch((error: unknown) => {
      access.signal?.throwIfAborted()
      throw awsFailure(
        { repository, what: tags.length === 1 ? `tag ${tags[0]}` : 'the tags' },
        describeAction,
        error,
        access,
      )
    })
    return new Map(
      tags.map((tag) => {
        const image = found.get(tag)
        const answer = image && { digest: image.digest, aliases: image.tags }
        return [tag, answer ?? tagNotFound({ repository, what: `tag ${tag}` }, notInAnswer)]
      }),
    )
  }

  async aliases(repository: Repository, digest: Digest, access: Access): Promise<readonly string[]> {
    const image = await this.#find({ repository, what: `image ${digest}` }, digest, access)
    return image.tags
  }

  async #find(subject: Subject, id: string, access: Access): Promise<Image> {
    const image = await this.#images.find(subject.repository, id, access).catch((error: unknown) => {
      access.signal?.throwIfAborted()
      throw awsFailure(subject, describeAction, error, access)
    })
    if (image === undefined) throw (isDigest(id) ? imageNotFound : tagNotFound)(subject, notInAnswer)
    return image
  }

  async *tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    const subject: Subject = { repository, what: 'the list of tags' }
    yield* this.#pages(subject, access, 'ecr:ListImages', async (page, place) => {
      const input = { ...place, ...page, filter: { tagStatus: 'TAGGED' } } as const
      const answer = await this.#api.attempt(
        repository,
        (sdk, client, options) => client.send(new sdk.ListImagesCommand(input), options),
        access,
      )
      if (!Array.isArray(answer.imageIds)) throw answerInvalid(subject, 'no list of images in it')
      const tags = answer.imageIds.flatMap((id) => id?.imageTag ?? [])
      return { items: tags.filter((tag) => typeof tag === 'string' && isTag(tag)), next: answer.nextToken }
    })
  }

  async *pushTimes(repository: Repository, access: Access): AsyncIterable<ReadonlyMap<string, number>> {
    const subject: Subject = { repository, what: 'the list of images' }
    yield* this.#pages(subject, access, describeAction, async (page, place) => {
      const input = { ...place, ...page, filter: { tagStatus: 'TAGGED' } } as const
      const answer = await this.#api.attempt(
        repository,
        (sdk, client, options) => client.send(new sdk.DescribeImagesCommand(input), options),
        access,
      )
      const times = imagesOf(answer.imageDetails).flatMap(({ tags, pushedAt }) =>
        pushedAt === undefined ? [] : tags.map((tag) => [tag, pushedAt] as const),
      )
      return { items: new Map(times), next: answer.nextToken }
    })
  }

  labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    return readLabels(this.#api, repository, digest, access)
  }

  async describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    const { mediaType, text } = await readManifest(this.#api, repository, digest, access)
    return { mediaType, platforms: parseManifest(Buffer.from(text))?.platforms ?? [] }
  }

  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    return this.#tagging.tag(repository, digest, tag, access)
  }

  untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return this.#tagging.untag(repository, tag, access)
  }

  wouldUntag(repository: Repository, tag: string, access: Access, before: readonly string[]): Promise<Untagged> {
    return this.#tagging.wouldUntag(repository, tag, access, before)
  }

  async *#pages<T>(subject: Subject, access: Access, action: string, read: ReadPage<T>): AsyncIterable<T> {
    const place = this.#api.placeOf(subject.repository)
    let nextToken: string | undefined
    for (let pages = 0; pages === 0 || nextToken !== undefined; pages++) {
      if (pages === maxPages) throw answerInvalid(subject, `more than ${maxPages} pages`)
      const from = nextToken === undefined ? {} : { nextToken }
      const { items, next } = await read({ maxResults: pageSize, ...from }, place).catch((error: unknown) => {
        access.signal?.throwIfAborted()
        throw awsFailure(subject, action, error, access)
      })
      yield items
      if (next !== undefined && next === nextToken) throw answerInvalid(subject, 'its next page is the same again')
      nextToken = typeof next === 'string' && next !== '' ? next : undefined
    }
  }
}

type ReadPage<T> = (
  page: { readonly maxResults: number; readonly nextToken?: string },
  place: ReturnType<EcrApi['placeOf']>,
) => Promise<{ readonly items: T; readonly next: string | undefined }>

export const ecr: RegistryKind = {
  kind: 'ecr',
  serves: (host) => parseEcrHost(host) !== undefined,
  make: (deps) => new EcrRegistry(deps),
  makeCloud: (deps) => new AwsCloud(deps),
}
