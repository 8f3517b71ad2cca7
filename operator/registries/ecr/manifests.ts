/** Reads manifests and configs by ECR's own API, without a token of the OCI protocol. */
import type { ImageFailure } from '@aws-sdk/client-ecr'
import type { Digest } from '../../images/digest.ts'
import { isContentOf, shortDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { answerInvalid, type Subject, statusFailure } from '../failures.ts'
import {
  type Content,
  describedBy,
  labelsBy,
  labelsOfConfig,
  type Manifest,
  manifestOf,
  manifestTypes,
} from '../oci/manifest.ts'
import { ManifestCache } from '../oci/manifest-cache.ts'
import type { Access, Described, Labels } from '../registry.ts'
import type { EcrApi } from './api.ts'
import { notFound, refused } from './failures.ts'

/**
 * Byte for byte as it was pushed.
 * @throws NeedsChangeError `ImageNotFound`; else as `Registry.resolve`
 */
export async function readManifest(
  api: EcrApi,
  repository: Repository,
  digest: Digest,
  access: Access,
): Promise<Content> {
  const subject: Subject = { repository, what: `image ${shortDigest(digest)}` }
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
  const body = Buffer.from(typeof text === 'string' ? text : '')
  if (!isContentOf(digest, body)) throw answerInvalid(subject, 'its content does not have that digest')
  return { headers: { 'content-type': image.imageManifestMediaType }, body }
}

export class EcrManifests {
  readonly #api: EcrApi
  readonly #cache = new ManifestCache()

  constructor(api: EcrApi) {
    this.#api = api
  }

  async labels(repository: Repository, digest: Digest, access: Access): Promise<Labels> {
    const manifest = await this.#parsed(repository, digest, access)
    return await labelsBy(
      manifest,
      (image) => this.#parsed(repository, image, access),
      (config) => configLabels(this.#api, repository, config, access),
    )
  }

  async describe(repository: Repository, digest: Digest, access: Access): Promise<Described> {
    const manifest = await this.#parsed(repository, digest, access)
    return await describedBy(manifest, (image) => this.#parsed(repository, image, access))
  }

  async #parsed(repository: Repository, digest: Digest, access: Access): Promise<Manifest> {
    return await this.#cache.get(repository, digest, access, async () => {
      const content = await readManifest(this.#api, repository, digest, access)
      return {
        manifest: manifestOf(content, { repository, what: `image ${shortDigest(digest)}` }),
        bytes: content.body.length,
      }
    })
  }
}

async function configLabels(api: EcrApi, repository: Repository, digest: Digest, access: Access): Promise<Labels> {
  const subject: Subject = { repository, what: `config ${shortDigest(digest)}` }
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
