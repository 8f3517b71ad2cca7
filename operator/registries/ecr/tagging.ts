/** Adds and removes tags, by PutImage and BatchDeleteImage. */
import { type Digest, shortDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { answerInvalid, RegistryRefusal, type Subject, undefinedIfNoTag } from '../failures.ts'
import { mediaTypeOf } from '../oci/manifest.ts'
import { tagImmutable } from '../oci/refusal.ts'
import type { Access, Tagged, Untagged } from '../registry.ts'
import type { EcrApi } from './api.ts'
import type { Images } from './describe.ts'
import { exceptionOf, nameOf, notFound, refused } from './failures.ts'
import type { Image } from './image.ts'
import { firstFailure, readManifest, wordsOf } from './manifests.ts'

/** An image of an index is missing, or a layer of an image, so there is nothing to tag. */
const incomplete = new Set(['ReferencedImagesNotFoundException', 'LayersNotFoundException'])
const taken = new Set(['ImageAlreadyExistsException', 'ImageTagAlreadyExistsException'])

export class EcrTagging {
  readonly #api: EcrApi
  readonly #images: Images

  constructor(api: EcrApi, images: Images) {
    this.#api = api
    this.#images = images
  }

  async tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged> {
    const subject: Subject = { repository, what: `tag ${tag}`, right: 'push' }
    const before = await this.#imageOf(subject, tag, access)
    if (before?.digest === digest) return 'unchanged'
    const content = await readManifest(this.#api, repository, digest, access)
    const input = {
      ...this.#api.placeOf(repository),
      imageTag: tag,
      imageManifest: content.body.toString(),
      imageManifestMediaType: mediaTypeOf(content),
      // Makes ECR refuse any other content.
      imageDigest: digest,
    }
    try {
      const { image } = await this.#api.call(
        subject,
        'ecr:PutImage',
        (sdk, client, options) => client.send(new sdk.PutImageCommand(input), options),
        access,
      )
      if (image?.imageId?.imageDigest === digest) return before === undefined ? 'added' : 'moved'
      throw answerInvalid(subject, 'it does not say that the tag is there now')
    } catch (error) {
      const name = nameOf(exceptionOf(error))
      if (incomplete.has(name)) throw notFound({ repository, what: `image ${shortDigest(digest)} in full` }, name)
      if (!taken.has(name)) throw error
      // Somebody else may have been faster.
      const now = await this.#imageOf(subject, tag, access)
      if (now?.digest === digest) return 'unchanged'
      throw tagImmutable(repository, tag, name, now?.digest ?? before?.digest)
    }
  }

  async wouldUntag(
    repository: Repository,
    tag: string,
    access: Access,
    before: readonly string[] = [],
  ): Promise<Untagged> {
    const subject: Subject = { repository, what: `tag ${tag}`, right: 'delete' }
    const image = await this.#imageOf(subject, tag, access)
    if (image === undefined) return 'absent'
    if (image.tags.every((other) => other === tag || before.includes(other))) throw lastTag(subject, tag, image.digest)
    return 'removed'
  }

  async untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    const subject: Subject = { repository, what: `tag ${tag}`, right: 'delete' }
    if ((await this.wouldUntag(repository, tag, access)) === 'absent') return 'absent'
    const input = { ...this.#api.placeOf(repository), imageIds: [{ imageTag: tag }] }
    const action = 'ecr:BatchDeleteImage'
    const answer = await this.#api.call(
      subject,
      action,
      (sdk, client, options) => client.send(new sdk.BatchDeleteImageCommand(input), options),
      access,
    )
    const failure = firstFailure(answer.failures)
    if (failure?.failureCode === 'ImageNotFound') return 'absent'
    if (failure !== undefined) throw refused(subject, wordsOf(failure))
    const removed = Array.isArray(answer.imageIds) && answer.imageIds.length > 0
    if (!removed) throw answerInvalid(subject, 'it does not say that the tag was removed')
    return 'removed'
  }

  /** Undefined where the tag is missing, or its whole repository. */
  #imageOf(subject: Subject, tag: string, access: Access): Promise<Image | undefined> {
    return this.#images.find(subject, tag, access).catch(undefinedIfNoTag)
  }
}

/** "When you remove the last tag from an image, the image is deleted from your repository" (ECR API, BatchDeleteImage). */
const lastTag = ({ repository }: Subject, tag: string, digest: Digest): RegistryRefusal =>
  new RegistryRefusal(
    'UntagNotSupported',
    `tag ${tag} of repository ${repository.path} is the last one on ${shortDigest(digest)}, and ECR would delete the image with it, so nothing was removed`,
    'Put another tag on the image first, or delete the image by ECR itself.',
  )
