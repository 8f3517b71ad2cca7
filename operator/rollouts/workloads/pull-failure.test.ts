import { test } from 'tap'
import { pullFailure } from './pull-failure.ts'

const image = 'registry.example.com/shop/web:v2'
const containerd = (rest: string, code = 'Unknown', of = image) =>
  `rpc error: code = ${code} desc = failed to pull and unpack image "${of}": ${rest}`
const resolving = (rest: string, code = 'Unknown', of = image) =>
  containerd(`failed to resolve reference "${of}": ${rest}`, code, of)
const crio = (rest: string) =>
  `rpc error: code = Unknown desc = unable to pull image or OCI artifact: pull image err: initializing source docker://${image}: ${rest}`
const docker = (rest: string) => `rpc error: code = Unknown desc = Error response from daemon: ${rest}`
const url = 'https://registry.example.com/v2/shop/web/manifests/v2'

const final: readonly string[] = [
  resolving(`${image}: not found`, 'NotFound'),
  containerd(`failed to resolve image: ${image}: not found`, 'NotFound'),
  containerd('no match for platform in manifest: not found', 'NotFound'),
  resolving(
    'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
  ),
  resolving(
    'failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.example.com/token?scope=repository%3Ashop: 401 Unauthorized',
  ),
  crio('reading manifest v2 in registry.example.com/shop/web: manifest unknown'),
  crio('reading manifest v2 in registry.example.com/shop/web: unauthorized: authentication required'),
  crio('reading manifest v2 in registry.example.com/shop/web: name unknown: repository not found'),
  crio(
    'choosing an image from manifest list docker://registry.example.com/shop/web:v2: no image found in image index for architecture "arm64", variant "v8", OS "linux"',
  ),
  crio('reading manifest v2 in registry.example.com/shop/web: denied: requested access to the resource is denied'),
  docker(`manifest for ${image} not found: manifest unknown: manifest unknown`),
  docker('no matching manifest for linux/arm64/v8 in the manifest list entries'),
  docker('Head "https://registry.example.com/v2/shop/web/manifests/v2": denied: denied'),
  docker('Head "https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/v2": no basic auth credentials'),
  resolving(
    'unexpected status from HEAD request to https://europe-docker.pkg.dev/v2/p/web/manifests/v2: 403 Forbidden: denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource',
  ),
]

const passing: readonly string[] = [
  resolving(`unexpected status from HEAD request to ${url}: 503 Service Unavailable`),
  resolving(`unexpected status from HEAD request to ${url}: 500 Internal Server Error`),
  containerd(
    `failed to copy: httpReadSeeker: failed open: unexpected status code ${url}: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.`,
  ),
  resolving(
    'failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://auth.example.com/token: 503 Service Unavailable',
  ),
  resolving(
    'failed to authorize: failed to fetch anonymous token: Get "https://auth.example.com/token": dial tcp 10.0.0.1:443: i/o timeout',
  ),
  resolving(
    `failed to do request: Head "${url}": dial tcp: lookup registry.example.com on 10.96.0.10:53: no such host`,
  ),
  resolving(
    `failed to do request: Head "${url}": dial tcp: lookup registry.example.com: Temporary failure in name resolution`,
  ),
  resolving(`failed to do request: Head "${url}": net/http: TLS handshake timeout`),
  resolving(
    `failed to do request: Head "${url}": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  ),
  resolving(`failed to do request: Head "${url}": dial tcp 10.0.0.1:443: connect: connection refused`),
  resolving(`failed to do request: Head "${url}": EOF`),
  containerd('failed to copy: read tcp 10.0.0.2:41382->10.0.0.1:443: read: connection reset by peer'),
  containerd('context deadline exceeded', 'DeadlineExceeded'),
  crio(
    'reading manifest v2 in registry.example.com/shop/web: toomanyrequests: You have reached your unauthenticated pull rate limit.',
  ),
  crio('pinging container registry registry.example.com: received unexpected HTTP status: 502 Bad Gateway'),
  crio(
    '(Mirrors also failed: [mirror.example.com/web:v2: pinging container registry mirror.example.com: dial tcp 10.0.0.1:443: connect: no route to host]): registry.example.com/shop/web:v2: reading manifest v2 in registry.example.com/shop/web: manifest unknown',
  ),
  docker(
    'Get "https://registry.example.com/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
  ),
  docker('toomanyrequests: Too Many Requests. Please see https://example.com/rate-limits'),
  `image pull failed for ${image} because the registry is unavailable: unauthorized`,
  'pull QPS exceeded',
]

const unknown: readonly string[] = [
  '',
  resolving(`unexpected status from HEAD request to ${url}: 403 Forbidden`),
  // containerd's own store loses what another pull has just fetched; the next try fetches it again.
  containerd(
    'failed to prepare extraction snapshot "extract-1": parent snapshot sha256:aa does not exist: not found',
    'NotFound',
  ),
  containerd('failed to get reader from content store: content digest sha256:aa: not found', 'NotFound'),
  containerd('mkdir /var/lib/containerd/tmp: permission denied'),
  'error getting credentials - err: exec: "docker-credential-ecr-login": executable file not found in $PATH, out: ``',
  `image pull failed for ${image} because the signature validation failed: Source image rejected`,
]

const backingOff = (message: string) => `Back-off pulling image "${image}"${message && `: ErrImagePull: ${message}`}`

for (const [expected, messages] of Object.entries({ final, passing, unknown })) {
  for (const message of messages) {
    test(`a pull that fails with "${message.slice(0, 400)}" is ${expected}`, async (t) => {
      t.equal(pullFailure(image, message), expected)
      t.equal(pullFailure(image, backingOff(message)), expected, 'while the kubelet backs off')
    })
  }
}

test('words in the names of images and hosts say nothing', async (t) => {
  const names = [
    'registry.example.com/shop/not-found:v2',
    'unauthorized.example.com/denied/manifest-unknown:denied',
    'docker.io/library/denied:unauthorized',
    'denied:unauthorized',
    'registry.example.com/eof/timeout/x509@sha256:aa',
  ]
  for (const name of names) {
    t.equal(pullFailure(name, `Back-off pulling image "${name}"`), 'unknown', name)
    const down = `unexpected status from HEAD request to https://${name}: 503 Service Unavailable`
    t.equal(pullFailure(name, resolving(down, 'Unknown', name)), 'passing', name)
    t.equal(pullFailure(name, resolving(`${name}: not found`, 'NotFound', name)), 'final', name)
    t.equal(pullFailure(name, docker(`pulling ${name} stopped, ${name} is locked`)), 'unknown', name)
    t.equal(pullFailure(name, crio(`reading manifest denied in ${name}: it is locked`)), 'unknown', name)
  }
})
