/** Manifests and indexes, as far as cvmanager reads them (OCI image spec, manifest.md and image-index.md). */
import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import type { Labels } from '../registry.ts'
import type { Answer } from '../transport/transport.ts'

/** Everything that a tag may point at. Indexes come first: they are resolved to their own digest. */
export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

export interface Manifest {
  readonly annotations: Labels
  /** The config of an image. */
  readonly config: Digest | undefined
  /** The first image of an index that is not an attestation. */
  readonly firstImage: Digest | undefined
  /** The platforms of an index: `linux/amd64`, `linux/arm/v7`, … */
  readonly platforms: readonly string[]
}

/** From the answer's header, or else from the manifest itself; `undefined` if neither is valid. */
export function mediaTypeOf({ headers, body }: Pick<Answer, 'headers' | 'body'>): string | undefined {
  // A header that occurs twice is a list, and ECR's JSON may contain anything.
  const header: unknown = headers['content-type']
  const [named = ''] = typeof header === 'string' ? header.split(';') : []
  const known = manifestTypes.split(', ')
  return [named.trim().toLowerCase(), parseObject(body)?.mediaType].find(
    (type): type is string => typeof type === 'string' && known.includes(type),
  )
}

/** `undefined` if it is not a JSON object. */
export function parseManifest(body: Buffer): Manifest | undefined {
  const manifest = parseObject(body)
  if (manifest === undefined) return undefined
  const images = recordsIn(manifest.manifests)
  // BuildKit lists attestations beside the images, for the platform unknown/unknown.
  const real = images.filter(({ platform }) => !isRecord(platform) || platform.architecture !== 'unknown')
  const [image] = real
  return {
    annotations: stringsOf(manifest.annotations),
    config: isRecord(manifest.config) ? digestIn(manifest.config) : undefined,
    firstImage: image === undefined ? undefined : digestIn(image),
    platforms: real.flatMap(({ platform }) => (isRecord(platform) ? [platformName(platform)] : [])),
  }
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
