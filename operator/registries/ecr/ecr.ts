/**
 * Private registries of Amazon ECR, by its own API: one call reads a hundred tags, or all tags on an image. It uses an AWS
 * identity. Pull secrets hold tokens of the OCI protocol, which this API does not accept.
 */
import type { ListImagesRequest } from '@aws-sdk/client-ecr'
import { type Digest, shortDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { isTag } from '../../images/reference.ts'
import { answerInvalid, type Subject } from '../failures.ts'
import type { Access, Aliases, Described, Labels, Registry, ResolvedTags, Tagged, Untagged } from '../registry.ts'
import type { RegistryDeps, RegistryKind } from '../registry-kind.ts'
import { EcrApi } from './api.ts'
import { AwsCloud } from './aws-cloud.ts'
import { describeAction, Images, notInAnswer } from './describe.ts'
import { notFound } from './failures.ts'
import { parseEcrHost } from './host.ts'
import { imagesOf } from './image.ts'
import { EcrManifests } from './manifests.ts'
import { EcrTagging } from './tagging.ts'

const pageSize = 1000
/** A longer listing goes round in circles. */
const maxPages = 1000

export class EcrRegistry implements Registry {
  readonly kind = 'ecr'
  readonly #api: EcrApi
  readonly #images: Images
  readonly #manifests: EcrManifests
  readonly #tagging: EcrTagging

  constructor(deps: RegistryDeps) {
    this.#api = new EcrApi(deps)
    this.#images = new Images(this.#api)
    this.#manifests = new EcrManifests(this.#api)
    this.#tagging = new EcrTagging(this.#api, this.#images)
  }

  async resolve(repository: Repository, tag: string, access: Access): Promise<Digest> {
    const image = await this.#images.find({ repository, what: `tag ${tag}` }, tag, access)
    return image.digest
  }

  async resolveAll(repository: Repository, tags: readonly string[], access: Access): Promise<ResolvedTags> {
    const subject: Subject = { repository, what: tags.length === 1 ? `tag ${tags[0]}` : 'the tags' }
    const found = await this.#images.findAll(subject, tags, access)
    return new Map(
      tags.map((tag) => {
        const image = found.get(tag)
        const answer = image && { digest: image.digest, aliases: image.tags }
        return [tag, answer ?? notFound({ repository, what: `tag ${tag}` }, notInAnswer)]
      }),
    )
  }

  async aliases(repository: Repository, digest: Digest, access: Access): Promise<Aliases> {
    const image = await this.#images.find({ repository, what: `image ${shortDigest(digest)}` }, digest, access)
    return { tags: image.tags, isComplete: true }
  }

  async *tags(repository: Repository, access: Access): AsyncIterable<readonly string[]> {
    const subject: Subject = { repository, what: 'the list of tags' }
    yield* this.#pages(subject, async (input) => {
      const answer = await this.#api.call(
        subject,
        'ecr:ListImages',
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
    yield* this.#pages(subject, async (input) => {
      const answer = await this.#api.call(
        subject,
        describeAction,
        (sdk, client, options) => client.send(new sdk.DescribeImagesCommand(input), options),
        access,
      )
      const times = imagesOf(subject, answer.imageDetails).flatMap(({ tags, pushedAt }) =>
        pushedAt === undefined ? [] : tags.map((tag) => [tag, pushedAt] as const),
      )
      return { items: new Map(times), next: answer.nextToken }
    })
  }

  labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    return this.#manifests.labels(repository, digest, access)
  }

  describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    return this.#manifests.describe(repository, digest, access)
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

  /** Reads every page of the tagged images. */
  async *#pages<T>(
    subject: Subject,
    read: (input: ListImagesRequest) => Promise<{ readonly items: T; readonly next: string | undefined }>,
  ): AsyncIterable<T> {
    const place = this.#api.placeOf(subject.repository)
    let nextToken: string | undefined
    for (let pages = 0; pages === 0 || nextToken !== undefined; pages++) {
      if (pages === maxPages) throw answerInvalid(subject, `more than ${maxPages} pages`)
      const { items, next } = await read({ ...place, maxResults: pageSize, nextToken, filter: { tagStatus: 'TAGGED' } })
      yield items
      if (next !== undefined && next === nextToken) throw answerInvalid(subject, 'its next page is the same again')
      nextToken = typeof next === 'string' && next !== '' ? next : undefined
    }
  }
}

export const ecr: RegistryKind = {
  kind: 'ecr',
  serves: (host) => parseEcrHost(host) !== undefined,
  make: (deps) => new EcrRegistry(deps),
  makeCloud: (deps) => new AwsCloud(deps),
}
