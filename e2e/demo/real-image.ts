import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { UsageError } from '../../operator/errors.ts'
import { digestOf, type Manifest, mediaTypes } from '../harness/images.ts'
import { onPath } from '../harness/on-path.ts'
import type { ImageMaker } from './publisher.ts'

const types = mediaTypes.oci

/**
 * Makes images that real nodes run, with one program that Go builds for these architectures. The layer of a broken image is
 * not an archive, so every container runtime refuses it.
 * @throws UsageError without Go
 */
export async function realImage(architectures: readonly string[]): Promise<ImageMaker> {
  if (onPath(['go']) === undefined)
    throw new UsageError(
      'go is not on PATH, and the demo needs it to build an application for real nodes (https://go.dev/dl)',
    )
  const programs = await Promise.all(
    architectures.map(async (architecture) => ({ architecture, program: await build(architecture) })),
  )
  return (version, broken) => {
    const images = programs.map(({ architecture, program }) => {
      const archive = broken ? Buffer.from(`not an archive: ${version}`) : tar('web', program)
      return { architecture, ...image(architecture, version, archive) }
    })
    const [only] = images
    if (only && images.length === 1) return { blobs: only.blobs, manifests: [only.manifest] }
    const index = manifestOf(types.index, {
      schemaVersion: 2,
      mediaType: types.index,
      manifests: images.map(({ manifest, architecture }) => ({
        ...descriptor(manifest.mediaType, manifest.bytes),
        platform: { os: 'linux', architecture },
      })),
    })
    return {
      blobs: images.flatMap(({ blobs }) => blobs),
      manifests: [...images.map(({ manifest }) => manifest), index],
    }
  }
}

async function build(architecture: string): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'cvmanager-demo-'))
  try {
    const output = join(directory, 'web')
    const source = join(import.meta.dirname, 'web', 'main.go')
    const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: architecture }
    const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', output, source]
    await promisify(execFile)('go', args, { cwd: directory, env })
    return await readFile(output)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function image(architecture: string, version: string, archive: Buffer): { blobs: Buffer[]; manifest: Manifest } {
  const layer = gzipSync(archive)
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture,
      config: {
        Env: [`VERSION=${version}`],
        Entrypoint: ['/web'],
        User: '65532:65532',
        Labels: { 'org.opencontainers.image.version': version },
      },
      rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
      history: [],
    }),
  )
  const manifest = manifestOf(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(types.config, config),
    layers: [descriptor(types.layer, layer)],
  })
  return { blobs: [layer, config], manifest }
}

function manifestOf(mediaType: string, value: object): Manifest {
  const bytes = Buffer.from(JSON.stringify(value))
  return { mediaType, bytes, digest: digestOf(bytes) }
}

const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })

/** Makes an archive of one executable file (POSIX ustar: a header of 512 bytes, the content, and two blocks of zeros). */
export function tar(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`
  header.write(name, 0)
  header.write(octal(0o755, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(content.length, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)])
}
