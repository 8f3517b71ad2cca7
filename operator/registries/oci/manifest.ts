/** Manifests and indexes, as far as cvmanager reads them (OCI image spec, manifest.md and image-index.md). */
import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import { answerInvalid, RegistryRefusal, type Subject } from '../failures.ts'
import type { Described, Labels } from '../registry.ts'
import type { Answer } from '../transport/transport.ts'

const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const
const imageTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

/** Everything that a tag may point at. Indexes come first: they are resolved to their own digest. */
export const manifestTypes = [...indexTypes, ...imageTypes].join(', ')

const configTypes: readonly unknown[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]
/** Layers of a file system. Signatures and attestations have the config of an image, but no such layer. */
const layerType = /\b(?:oci\.image\.layer|docker\.(?:container\.)?image\.rootfs|erofs)\b/

export interface Manifest {
  readonly mediaType: string
  readonly annotations: Labels
  /** The config of an image. */
  readonly config: Digest | undefined
  /** The first image of an index. */
  readonly firstImage: Digest | undefined
  /** The platforms of an index: `linux/amd64`, `linux/arm/v7`, … */
  readonly platforms: readonly string[]
  /** Why it is no image and no index of images, as the rest of a sentence. */
  readonly noImage: string | undefined
}

/** Headers and body of an answer. A header that occurs twice is a list, and ECR's JSON may contain anything. */
export type Content = Pick<Answer, 'headers' | 'body'>
type Parsed = Readonly<Record<string, unknown>>

/** From the answer's header, or else from the manifest itself; `undefined` if neither is valid. */
export function mediaTypeOf({ headers, body }: Content): string | undefined {
  return [typeIn(headers), parseObject(body)?.mediaType].find(isManifestType)
}

/** Whether the headers are those of a page, or of anything else but a manifest. An answer to HEAD may have no media type. */
export const namesOther = ({ headers }: Pick<Answer, 'headers'>): boolean =>
  headers['content-type'] !== undefined && !isManifestType(typeIn(headers))

const isManifestType = (type: unknown): type is string =>
  typeof type === 'string' && manifestTypes.split(', ').includes(type)

function typeIn(headers: Answer['headers']): string {
  const header: unknown = headers['content-type']
  return typeof header === 'string' ? (header.split(';')[0] ?? '').trim().toLowerCase() : ''
}

/**
 * A manifest or an index, by its media type and by its shape. Storage services name any type in their header, so the one
 * in the content counts more. OCI's content may have none.
 * @returns undefined if it is something else
 */
export function parseManifest(content: Content): Manifest | undefined {
  const manifest = parseObject(content.body)
  if (manifest?.schemaVersion !== 2) return undefined
  const isIndex = Array.isArray(manifest.manifests)
  const isSingle = isRecord(manifest.config) && isDigest(manifest.config.digest) && Array.isArray(manifest.layers)
  // What is both would be read differently by different programs (CVE-2021-41190).
  if (isIndex === isSingle) return undefined
  const types: readonly string[] = isIndex ? indexTypes : imageTypes
  const [ofOci = ''] = types
  const named = typeIn(content.headers)
  const mediaType = manifest.mediaType ?? (isManifestType(named) ? named : ofOci)
  if (typeof mediaType !== 'string' || !types.includes(mediaType)) return undefined

  const images = recordsIn(manifest.manifests).filter(isImageEntry)
  return {
    mediaType,
    annotations: stringsOf(manifest.annotations),
    config: isRecord(manifest.config) ? digestIn(manifest.config) : undefined,
    firstImage: images[0] && digestIn(images[0]),
    platforms: images.flatMap(({ platform }) => (isRecord(platform) ? [platformName(platform)] : [])),
    noImage: isIndex && images.length === 0 ? 'it lists no image' : noImageIn(manifest),
  }
}

/**
 * BuildKit lists attestations beside the images, for the platform unknown/unknown; and it lists the layers of its cache.
 * An index of referrers lists artifacts.
 */
const isImageEntry = ({ mediaType, artifactType, platform, annotations, digest }: Parsed): boolean =>
  isDigest(digest) &&
  (mediaType === undefined || isManifestType(mediaType)) &&
  !isOther(artifactType) &&
  (!isRecord(platform) || platform.architecture !== 'unknown') &&
  !(isRecord(annotations) && 'vnd.docker.reference.type' in annotations)

/** Charts, WASM modules and other artifacts name themselves in the config or in `artifactType`. */
function noImageIn({ artifactType, config, layers }: Parsed): string | undefined {
  const configType = isRecord(config) ? config.mediaType : undefined
  if (isOther(artifactType)) return `its artifactType is ${firstWords(artifactType)}`
  if (isOther(configType)) return `its config is of type ${firstWords(configType)}`
  const types = recordsIn(layers).flatMap(({ mediaType }) => (typeof mediaType === 'string' ? [mediaType] : []))
  if (types.length === 0 || types.some((type) => layerType.test(type))) return undefined
  return `its layers are of type ${firstWords(types[0])}`
}

const isOther = (type: unknown): boolean => type !== undefined && type !== '' && !configTypes.includes(type)

const maxShown = 60

/** For messages: short and printable. */
const firstWords = (text: unknown): string =>
  (typeof text === 'string' ? text : (JSON.stringify(text) ?? ''))
    .slice(0, 4 * maxShown)
    .replaceAll(/[^\x21-\x7e]+/g, ' ')
    .trim()
    .slice(0, maxShown)

/** What an answer is, for messages: `text/html, "<!DOCTYPE html> …"`. */
export function shown({ headers, body }: Content): string {
  const type = firstWords(headers['content-type'] ?? 'no media type')
  if (body.length === 0) return `${type}, and nothing in it`
  return `${type}, "${firstWords(body.toString('utf8', 0, 4 * maxShown))}"`
}

/** @throws TransientError `RegistryAnswerInvalid` for what is no manifest, and NeedsChangeError `NotAnImage` for one of schema 1 */
export function manifestOf(content: Content, subject: Subject): Manifest {
  const manifest = parseManifest(content)
  if (manifest !== undefined) return manifest
  if (parseObject(content.body)?.schemaVersion !== 1) {
    throw answerInvalid(subject, `${shown(content)} instead of a manifest`)
  }
  // Its digest is not that of its text, which has a signature in it.
  const { repository, what } = subject
  throw new RegistryRefusal(
    'NotAnImage',
    `the registry ${repository.host} has ${what} of repository ${repository.path} only as a manifest of schema 1, which container runtimes do not pull any more`,
    'Push the image again with a current tool, or correct spec.imageRepo or spec.tag.',
  )
}

/** @param read reads a manifest of the same repository */
export async function describedBy(manifest: Manifest, read: (digest: Digest) => Promise<Manifest>): Promise<Described> {
  const { mediaType, platforms, firstImage } = manifest
  // An entry without a platform may be anything.
  const isUnclear = manifest.noImage === undefined && firstImage !== undefined && platforms.length === 0
  const noImage = isUnclear ? (await read(firstImage)).noImage : manifest.noImage
  return { mediaType, platforms, ...(noImage === undefined ? {} : { noImage }) }
}

/**
 * Labels of the config and annotations; of an index, also those of its first image.
 * @param readImage reads a manifest of the same repository
 * @param readConfig reads the labels of a config there
 */
export async function labelsBy(
  manifest: Manifest,
  readImage: (digest: Digest) => Promise<Manifest>,
  readConfig: (digest: Digest) => Promise<Labels>,
): Promise<Labels> {
  const { firstImage, annotations } = manifest
  const image = firstImage === undefined ? manifest : await readImage(firstImage)
  const labels = image.config === undefined ? {} : await readConfig(image.config)
  return { ...labels, ...image.annotations, ...annotations }
}

/** The labels of an image's config. The config of anything else has none. */
export function labelsOfConfig(body: Buffer): Labels {
  const config = parseObject(body)?.config
  return isRecord(config) ? stringsOf(config.Labels) : {}
}

export function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  const parsed = parseJson(body)
  return isRecord(parsed) ? parsed : undefined
}

/** `undefined` if it is not JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects in a list; empty if it is not a list. */
export const recordsIn = (list: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(list) ? list.filter(isRecord) : []

const platformName = ({ os, architecture, variant }: Readonly<Record<string, unknown>>): string =>
  [os, architecture, variant].filter((part) => typeof part === 'string' && part !== '').join('/')

const digestIn = ({ digest }: Readonly<Record<string, unknown>>): Digest | undefined =>
  isDigest(digest) ? digest : undefined

function stringsOf(value: unknown): Labels {
  if (!isRecord(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
