import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export type Digest = `sha256:${string}`

export interface ImageContent {
  /** Any text. The same content gives the same digest. Default: content that is unique. */
  readonly content?: string
  /** Labels of the image's config. */
  readonly labels?: Readonly<Record<string, string>>
  /** Annotations of the manifest, or of the index if there is one. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Makes an index for linux/amd64 and linux/arm64. */
  readonly multiArch?: boolean
  /** Uses Docker's media types instead of OCI's. Docker's have no annotations. */
  readonly docker?: boolean
  /** Makes something else that registries keep under a tag. */
  readonly artifact?: keyof typeof artifacts
}

export const mediaTypes = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const

interface MediaTypes {
  readonly index: string
  readonly manifest: string
  readonly config: string
  readonly layer: string
}

/** As Helm and cosign push them. A signature has the config of an image. */
export const artifacts = {
  chart: {
    config: 'application/vnd.cncf.helm.config.v1+json',
    layer: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  },
  signature: { config: mediaTypes.oci.config, layer: 'application/vnd.dev.cosign.simplesigning.v1+json' },
} as const

export interface Manifest {
  readonly mediaType: string
  readonly bytes: Buffer
  readonly digest: Digest
}

export interface Image {
  /** Must be in the repository before the manifests. */
  readonly blobs: readonly Buffer[]
  /** In the order in which they must be pushed. A tag points at the last one. */
  readonly manifests: readonly Manifest[]
}

// Two blocks of zeros are an empty tar archive.
const emptyTar = Buffer.alloc(1024)
const layer = gzipSync(emptyTar)

export const digestOf = (bytes: Buffer): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Makes a small, complete image that any client accepts. */
export function makeImage(wanted: ImageContent): Image {
  const base: MediaTypes = wanted.docker ? mediaTypes.docker : mediaTypes.oci
  const types = wanted.artifact === undefined ? base : { ...base, ...artifacts[wanted.artifact] }
  const content = wanted.content ?? randomUUID()
  const annotations = wanted.docker ? undefined : wanted.annotations
  if (!wanted.multiArch) {
    const { config, manifest } = singleImage(types, 'amd64', content, wanted.labels, annotations)
    return { blobs: [layer, config], manifests: [manifest] }
  }
  const images = ['amd64', 'arm64'].map((architecture) => ({
    architecture,
    ...singleImage(types, architecture, content, wanted.labels, undefined),
  }))
  const index = asManifest(types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: images.map(({ manifest, architecture }) => ({
      ...descriptor(manifest.mediaType, manifest.bytes),
      platform: { os: 'linux', architecture },
    })),
    ...(annotations ? { annotations } : {}),
  })
  return { blobs: [layer, ...images.map(({ config }) => config)], manifests: [...images.map((i) => i.manifest), index] }
}

function singleImage(
  types: MediaTypes,
  architecture: string,
  content: string,
  labels: ImageContent['labels'],
  annotations: ImageContent['annotations'],
): { config: Buffer; manifest: Manifest } {
  const config = json({
    os: 'linux',
    architecture,
    config: { Env: [`CONTENT=${content}`], ...(labels ? { Labels: labels } : {}) },
    rootfs: { type: 'layers', diff_ids: [digestOf(emptyTar)] },
    history: [],
  })
  const manifest = asManifest(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(types.config, config),
    layers: [descriptor(types.layer, layer)],
    ...(annotations ? { annotations } : {}),
  })
  return { config, manifest }
}

function asManifest(mediaType: string, value: object): Manifest {
  const bytes = json(value)
  return { mediaType, bytes, digest: digestOf(bytes) }
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
