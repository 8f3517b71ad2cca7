/** For tests: answers that make no sense, and near misses of those that do. */
import fc from 'fast-check'
import { digestOf } from '../../images/digest.ts'

export interface Malformed {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** `OWN` stands for the server's address. */
  readonly body: string
  readonly sent: 'whole' | 'cut' | 'reset' | 'raw'
}

const ofContent = (text: string): string => digestOf(Buffer.from(text))
const config = JSON.stringify({ config: { Labels: { version: '1', other: 7 } } })
const image = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { digest: ofContent(config) },
  layers: [null, { mediaType: 7 }],
  annotations: { made: 'here', other: {} },
})
const index = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [{ digest: ofContent(image), platform: { os: 'linux', architecture: null } }, 7],
})
/** Contents that match their digests, so that a registry goes on to its next requests. */
const contents = [image, index, config, '{}', 'null', '[]'] as const
export const digests = contents.map((text) => digestOf(Buffer.from(text)))

/** `fc.anything` generates values that JSON cannot represent. */
export const asJson = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return '{'
  }
}

/** Small values only: generating large ones takes longer than testing with them. */
export const anything = fc.anything({ maxDepth: 2, maxKeys: 3 })

const name = fc.constantFrom('env-prod', 'v1', 'constructor', '\n', '', 7, null)
const time = fc.oneof(fc.constantFrom('2026-01-01T00:00:00Z', '0001-01-01T00:00:00Z', -1, 1e300), anything)
/** An entry in a list of tags, artifacts or manifests, of any registry. */
const entry = fc.record(
  {
    name,
    digest: fc.oneof(fc.constantFrom(...digests, 'sha256:x', 7), anything),
    manifest_digest: fc.constantFrom(...digests, null),
    tags: fc.oneof(fc.array(fc.record({ name, push_time: time }, { requiredKeys: [] })), anything),
    push_time: time,
    tag_last_pushed: time,
    start_ts: time,
    platform: anything,
  },
  { requiredKeys: [] },
)
const list = fc.oneof(fc.array(fc.oneof(entry, anything), { maxLength: 4 }), fc.array(name), anything)
const shaped = fc.record(
  {
    tags: list,
    results: list,
    schemaVersion: fc.constantFrom(2, 2, 1, '2'),
    manifests: list,
    layers: list,
    config: fc.oneof(entry, anything),
    annotations: anything,
    errors: list,
    next: fc.constantFrom(null, 'OWN/next', 'http://169.254.169.254/', 7),
    has_additional: anything,
    token: fc.constantFrom('t', '', '\n', 7),
    access_token: fc.constantFrom('a', '', 'a\r\nb', {}),
    accessToken: fc.constantFrom('a', null),
    refresh_token: fc.constantFrom('r', [], ''),
    expires_in: fc.constantFrom(3600, '3600', -1, 1e300, null),
    issued_at: time,
  },
  { requiredKeys: [] },
)

/** As `fc.string` with the unit `binary`, which would first create a list of all characters, of 140 MB. */
const anyText = fc.array(fc.nat(0x10ffff), { maxLength: 150 }).map((points) => String.fromCodePoint(...points))

export const body: fc.Arbitrary<string> = fc.oneof(
  fc.json(),
  anyText,
  { arbitrary: fc.oneof(shaped, fc.array(entry, { maxLength: 4 })).map(asJson), weight: 3 },
  fc.constantFrom(...contents, '{"token":"t"}', '{"access_token":"a","refresh_token":"r","accessToken":"i"}', ''),
)

const header = fc.oneof(
  fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
  fc.constantFrom(
    'Bearer realm="OWN/t",service="s"',
    'Bearer realm="http://x/"',
    'Basic',
    '<a>; rel="next"',
    '</v2/shop/web/tags/list?n=1000&last=x>; rel="next"',
    'OWN/elsewhere',
    'application/vnd.oci.image.index.v1+json',
    'Google',
    '0',
    '100;w=21600',
    '-1',
    ...digests,
  ),
)
const headerNames = [
  'www-authenticate',
  'docker-content-digest',
  'link',
  'location',
  'content-type',
  'date',
  'etag',
  'retry-after',
  'metadata-flavor',
  'ratelimit-limit',
  'ratelimit-remaining',
] as const

const statuses = [204, 206, 301, 304, 307, 400, 403, 404, 405, 409, 410, 412, 416, 418, 500, 503, 599]

export const sent: fc.Arbitrary<Malformed['sent']> = fc.oneof(
  { arbitrary: fc.constant<Malformed['sent']>('whole'), weight: 30 },
  fc.constantFrom<Malformed['sent']>('cut', 'reset', 'raw'),
)

/** Looks like an answer of a registry, its own API, its token service, or that of a cloud. */
export const anyAnswer: fc.Arbitrary<Malformed> = fc.record({
  status: fc.oneof(
    { arbitrary: fc.constant(200), weight: 20 },
    { arbitrary: fc.constant(401), weight: 10 },
    { arbitrary: fc.constantFrom(...statuses), weight: 10 },
    fc.constant(429),
  ),
  headers: fc.dictionary(fc.constantFrom(...headerNames), fc.oneof(header, fc.array(header, { maxLength: 3 })), {
    maxKeys: 5,
  }),
  body,
  sent,
})
