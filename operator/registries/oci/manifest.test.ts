import fc from 'fast-check'
import t from 'tap'
import { makeImage } from '../../../e2e/harness/images.ts'
import { digestOf } from '../../images/digest.ts'
import { describedBy, parseManifest } from './manifest.ts'

const digest = digestOf(Buffer.from('x'))
const descriptor = (mediaType?: string, more: object = {}) => ({
  ...(mediaType && { mediaType }),
  digest,
  size: 1,
  ...more,
})
const oci = 'application/vnd.oci.image'
const config = descriptor(`${oci}.config.v1+json`)
const layer = descriptor(`${oci}.layer.v1.tar+gzip`)
const single = (more: object = {}) => ({ schemaVersion: 2, config, layers: [layer], ...more })
const index = (...manifests: readonly object[]) => ({ schemaVersion: 2, manifests })
const manifest = `${oci}.manifest.v1+json`
const amd64 = { os: 'linux', architecture: 'amd64' }
const nowhere = { os: 'unknown', architecture: 'unknown' }

const parse = (value: object, type?: string) =>
  parseManifest({
    headers: type === undefined ? {} : { 'content-type': type },
    body: Buffer.from(JSON.stringify(value)),
  })

t.test('images and indexes of images are told from everything else that registries keep', async (t) => {
  const images: readonly (readonly [string, object])[] = [
    ['an image of OCI', single()],
    [
      'an image of Docker',
      single({
        config: descriptor('application/vnd.docker.container.image.v1+json'),
        layers: [descriptor('application/vnd.docker.image.rootfs.diff.tar.gzip')],
      }),
    ],
    ['an image that names its own type', single({ artifactType: `${oci}.config.v1+json` })],
    [
      'an encrypted, a lazy and a foreign layer',
      single({
        layers: [descriptor(`${oci}.layer.v1.tar+gzip+encrypted`), descriptor(`${oci}.layer.nondistributable.v1.tar`)],
      }),
    ],
    [
      'a layer of another kind beside one of a file system',
      single({ layers: [layer, descriptor('application/vnd.example.hint+json')] }),
    ],
    ['an image without a layer', single({ layers: [] })],
    ['types that are left out', single({ config: descriptor(), layers: [descriptor()] })],
    ['an index', index(descriptor(manifest, { platform: amd64 }))],
    [
      'an index with attestations',
      index(descriptor(manifest, { platform: nowhere }), descriptor(manifest, { platform: amd64 })),
    ],
    ['an index without platforms', index(descriptor(manifest))],
    ['an index of an index', index(descriptor(`${oci}.index.v1+json`))],
    ['a WASM module for a runtime', index(descriptor(manifest, { platform: { os: 'wasip1', architecture: 'wasm' } }))],
  ]
  for (const [name, value] of images) t.match(parse(value), { noImage: undefined }, name)

  const others: readonly (readonly [string, object, RegExp])[] = [
    ['a chart', single({ config: descriptor('application/vnd.cncf.helm.config.v1+json') }), /config is of type .*helm/],
    ['a WASM module', single({ config: descriptor('application/vnd.wasm.config.v0+json') }), /wasm/],
    [
      'a signature of cosign',
      single({ layers: [descriptor('application/vnd.dev.cosign.simplesigning.v1+json')] }),
      /layers are of type .*cosign/,
    ],
    ['an attestation of cosign', single({ layers: [descriptor('application/vnd.dsse.envelope.v1+json')] }), /dsse/],
    ['an SBOM of cosign', single({ layers: [descriptor('text/spdx+json')] }), /spdx/],
    ['an attestation of BuildKit', single({ layers: [descriptor('application/vnd.in-toto+json')] }), /in-toto/],
    ['a signature of notation', single({ config: descriptor('application/vnd.cncf.notary.signature') }), /notary/],
    [
      'an artifact',
      single({ artifactType: 'application/vnd.example+type', config: descriptor('application/vnd.oci.empty.v1+json') }),
      /artifactType is .*example/,
    ],
    ['an artifact with the config of an image', single({ artifactType: 'application/spdx+json' }), /artifactType/],
    ['an artifact whose type is no text', single({ artifactType: { toString: 1 } }), /artifactType is .*toString/],
    ['a plugin of Docker', single({ config: descriptor('application/vnd.docker.plugin.v1+json') }), /plugin/],
    [
      "BuildKit's cache as an image",
      single({ config: descriptor('application/vnd.buildkit.cacheconfig.v0') }),
      /cacheconfig/,
    ],
    [
      "BuildKit's cache as an index",
      index(layer, descriptor('application/vnd.buildkit.cacheconfig.v0')),
      /lists no image/,
    ],
    ['an index of attestations', index(descriptor(manifest, { platform: nowhere })), /lists no image/],
    [
      'an index of marked attestations',
      index(descriptor(manifest, { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } })),
      /lists no image/,
    ],
    [
      'an index of referrers',
      index(descriptor(manifest, { artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json' })),
      /lists no image/,
    ],
    [
      'an index of an artifact',
      { ...index(descriptor(manifest, { platform: amd64 })), artifactType: 'application/vnd.example' },
      /artifactType/,
    ],
    ['an empty index', index(), /lists no image/],
  ]
  for (const [name, value, noImage] of others) t.match(parse(value), { noImage }, name)
})

t.test('an index whose entries have no platform is what its first entry is', async (t) => {
  const chart = parse(single({ config: descriptor('application/vnd.cncf.helm.config.v1+json') }))
  const image = parse(single())
  const [of, withPlatform] = [
    parse(index(descriptor(manifest))),
    parse(index(descriptor(manifest, { platform: amd64 }))),
  ]
  if (!chart || !image || !of || !withPlatform) throw new Error('these are manifests')
  t.match(await describedBy(of, async () => chart), { noImage: /helm/ })
  t.notOk('noImage' in (await describedBy(of, async () => image)))
  const unread = await describedBy(withPlatform, () => Promise.reject(new Error('nothing is read')))
  t.same(unread, { mediaType: `${oci}.index.v1+json`, platforms: ['linux/amd64'] })
})

t.test('the type in the content counts more than that of the header, and the shape decides without both', async (t) => {
  const docker = 'application/vnd.docker.distribution.manifest.v2+json'
  t.equal(parse(single({ mediaType: docker }), 'text/html')?.mediaType, docker)
  t.equal(parse(single(), docker)?.mediaType, docker)
  t.equal(parse(single(), 'application/octet-stream')?.mediaType, manifest)
  t.equal(parse(index(), 'application/json')?.mediaType, `${oci}.index.v1+json`)
  t.equal(parse(single({ mediaType: `${oci}.index.v1+json` })), undefined)
  t.equal(parse(single(), `${oci}.index.v1+json`), undefined)
  t.equal(parse(single({ mediaType: 7 })), undefined)
})

t.test('only what has the shape of a manifest is one, and a real one always is', async () => {
  const isShaped = (value: unknown): boolean => {
    const { schemaVersion, manifests, layers } = (value ?? {}) as Record<string, unknown>
    return schemaVersion === 2 && (Array.isArray(manifests) || Array.isArray(layers))
  }
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (value, type) => {
      const body = Buffer.from(JSON.stringify(value))
      return parseManifest({ headers: { 'content-type': type }, body }) === undefined || isShaped(value)
    }),
  )
  const content = fc.record({ multiArch: fc.boolean(), docker: fc.boolean(), content: fc.string() })
  fc.assert(
    fc.property(content, fc.nat(), (wanted, at) => {
      const { bytes, mediaType } = makeImage(wanted).manifests.at(-1) ?? { bytes: Buffer.alloc(0), mediaType: '' }
      const isWhole = parseManifest({ headers: {}, body: bytes })?.mediaType === mediaType
      return (
        isWhole &&
        parseManifest({ headers: { 'content-type': mediaType }, body: bytes.subarray(0, at % bytes.length) }) ===
          undefined
      )
    }),
  )
})
