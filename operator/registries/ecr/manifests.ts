/** Reads manifests and configs by ECR's own API, without a token of the OCI protocol. */
import type { ImageFailure } from '@aws-sdk/client-ecr'
import type { Digest } from '../../images/digest.ts'
import { isContentOf } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { answerInvalid, type Subject, statusFailure } from '../failures.ts'
import { describedBy, labelsOfConfig, type Manifest, manifestOf, manifestTypes, mediaTypeOf } from '../oci/manifest.ts'
import { ManifestCache } from '../oci/manifest-cache.ts'
import type { Access, Described, Labels } from '../registry.ts'
import type { EcrApi } from './api.ts'
import { notFound, refused } from './failures.ts'

export interface StoredManifest {
  readonly mediaType: string | undefined
  readonly text: string
}

/**
 * Byte for byte as it was pushed.
 * @throws NeedsChangeError `ImageNotFound`; else as `Registry.resolve`
 */
export async function readManifest(
  api: EcrApi,
  repository: Repository,
  digest: Digest,
  access: Access,
): Promise<StoredManifest> {
  const subject: Subject = { repository, what: `image ${digest}` }
  const input = {
    ...api.placeOf(repository),
    imageIds: [{ imageDigest: digest }],
    acceptedMediaTypes: manifestTypes.split(', '),
  }
  const { images, failures } = await api.call(
    subject,
    'ecr:BatchGetImage',
    (sdk, client, options) => client.send(new sdk.BatchGetImageCommand(input), options),
    access,
  )
  const failure = firstFailure(failures)
  if (failure?.failureCode === 'ImageNotFound') throw notFound(subject, 'ImageNotFound')
  if (failure !== undefined) throw refused(subject, wordsOf(failure))
  const [image] = Array.isArray(images) ? images : []
  if (image === undefined) throw notFound(subject, 'an empty answer')
  const text = image?.imageManifest
  if (typeof text !== 'string' || !isContentOf(digest, Buffer.from(text))) {
    throw answerInvalid(subject, 'its content does not have that digest')
  }
  const headers = { 'content-type': image.imageManifestMediaType }
  return { text, mediaType: mediaTypeOf({ headers, body: Buffer.from(text) }) }
}

export class EcrManifests {
  readonly #api: EcrApi
  readonly #cache = new ManifestCache()

  constructor(api: EcrApi) {
    this.#api = api
  }

  /** Labels of the config and annotations; of an index, also those of its first image. */
  async labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const manifest = await this.#parsed(repository, digest, access)
    const { firstImage } = manifest
    const image = firstImage === undefined ? manifest : await this.#parsed(repository, firstImage, access)
    const labels = image.config === undefined ? {} : await configLabels(this.#api, repository, image.config, access)
    return { ...labels, ...image.annotations, ...manifest.annotations }
  }

  async describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    const manifest = await this.#parsed(repository, digest, access)
    return await describedBy(manifest, (image) => this.#parsed(repository, image, access))
  }

  async #parsed(repository: Repository, digest: Digest, access: Access): Promise<Manifest> {
    return await this.#cache.get(repository, digest, access, async () => {
      const { text, mediaType } = await readManifest(this.#api, repository, digest, access)
      const body = Buffer.from(text)
      const content = { body, headers: mediaType === undefined ? {} : { 'content-type': mediaType } }
      return { manifest: manifestOf(content, { repository, what: `image ${digest}` }), bytes: body.length }
    })
  }
}

async function configLabels(api: EcrApi, repository: Repository, digest: Digest, access: Access): Promise<Labels> {
  const subject: Subject = { repository, what: `config ${digest}` }
  const input = { ...api.placeOf(repository), layerDigest: digest }
  const action = 'ecr:GetDownloadUrlForLayer'
  const { downloadUrl } = await api.call(
    subject,
    action,
    (sdk, client, options) => client.send(new sdk.GetDownloadUrlForLayerCommand(input), options),
    access,
  )
  const { status, body, retryAfterMs } = await api.download(subject, String(downloadUrl), access)
  if (status !== 200) throw statusFailure(subject, status, access.credentials, retryAfterMs)
  if (!isContentOf(digest, body)) throw answerInvalid(subject, 'its content does not have that digest')
  return labelsOfConfig(body)
}

/** The failure of the one requested item (B06). */
export const firstFailure = (failures: unknown): ImageFailure | undefined =>
  Array.isArray(failures) ? ((failures[0] as ImageFailure | null | undefined) ?? undefined) : undefined

export const wordsOf = ({ failureCode, failureReason }: ImageFailure): string =>
  [failureCode, failureReason].filter((word) => typeof word === 'string' && word !== '').join(': ') || 'no reason given'
