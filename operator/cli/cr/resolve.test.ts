/** `cr resolve` with a real registry, and its output. */
import { join } from 'node:path'
import t from 'tap'
import { account } from '../../../e2e/harness/token-server.ts'
import { shortDigest } from '../../images/digest.ts'
import { ci } from '../ci-job.fixture.ts'

t.test('the output shows what the controller would find, and why', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', ['0a1b2c3', 'old'])
  const { digest } = await registry.push('shop/web', ['env-prod', '1a2b3c4', 'v1.2'], { multiArch: true })
  const { status, out, err } = await calls('resolve REPO:env-prod')
  t.same([status, err], [0, ''])
  t.equal(
    out,
    `Image           HOST/shop/web:env-prod
Provider        oci
Credentials     anonymous: none are given
Digest          ${digest}
Media type      application/vnd.oci.image.index.v1+json
Platforms       linux/amd64, linux/arm64
Aliases         1a2b3c4, v1.2
Version         1a2b3c4 (alias)
Why             the repository has 5 tags; 2 of them match [0-9a-f]{5,40}: 1a2b3c4, 0a1b2c3
                of these, 1a2b3c4 is on the image
Workloads get   HOST/shop/web:1a2b3c4@${digest}
`,
  )
})

t.test('the JSON output has the same content', async (t) => {
  const { registry, calls } = await ci(t)
  const { digest } = await registry.push('shop/web', ['env-prod', 'v1.2', 'v1.10'])
  const { out } = await calls('resolve REPO:env-prod --version-syntax v[0-9.]+ -o json')
  t.same(JSON.parse(out), {
    digest,
    version: { digest, name: 'v1.10', source: 'alias' },
    aliases: ['v1.10', 'v1.2'],
    why: [
      'the repository has 3 tags; 2 of them match v[0-9.]+: v1.10, v1.2',
      'of these, 2 are on the image: v1.10, v1.2; v1.10 is the highest by its numbers',
    ],
    image: 'HOST/shop/web:env-prod',
    tag: 'env-prod',
    provider: 'oci',
    credentials: { source: 'anonymous: none are given' },
    workloadImage: `HOST/shop/web:v1.10@${digest}`,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    platforms: [],
    aliasesComplete: true,
  })
})

t.test('the version can come from a label or the digest, and a digest can name the image', async (t) => {
  const { registry, calls } = await ci(t)
  const labels = { 'org.opencontainers.image.revision': 'abcdef0123' }
  await registry.push('shop/web', 'latest', { labels })
  const labelled = await calls('resolve REPO')
  t.match(labelled.out, /Image +HOST\/shop\/web:latest\n/)
  t.match(labelled.out, /Version +abcdef0123 \(label\)\n/)
  t.match(labelled.out, /its label org\.opencontainers\.image\.revision says abcdef0123, which matches/)
  const { digest } = await registry.push('shop/web', 'env-prod')
  const plain = await calls('resolve REPO:env-prod')
  t.match(plain.out, `Version         ${shortDigest(digest)} (digest)\n`)
  t.match(plain.out, /no label of it names a version that matches: the digest is the version/)
  const named = await calls(`resolve REPO@${digest}`)
  t.match(named.out, /Aliases +env-prod\n/)
})

t.test('tags that were not searched are told, and are not called tags of another image', async (t) => {
  const { registry, calls } = await ci(t)
  const names = Array.from({ length: 503 }, (_, i) => String(10_000 + i))
  await registry.push('shop/web', names)
  await registry.push('shop/web', 'env-prod')
  const { out } = await calls('resolve REPO:env-prod')
  t.match(out, /the 500 highest of these are not on the image; the other 3 were not searched/)
  t.notMatch(out, /none of these/)
})

t.test('what points at no image is refused as the controller refuses it', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', 'env-prod', { artifact: 'chart' })
  const { status, err } = await calls('resolve REPO:env-prod')
  t.equal(status, 1)
  t.match(
    err,
    /tag env-prod of repository shop\/web .* which is no container image: its config is of type application\/vnd\.cncf\.helm/,
  )
})

t.test('the output names the user and the source of the credentials, but not the secret', async (t) => {
  const { registry, calls, runs } = await ci(t, { auth: 'token' })
  await registry.push('shop/web', 'env-prod')
  const directory = t.testdir({ 'config.json': registry.dockerConfig() })
  const filed = await calls('resolve REPO:env-prod', { DOCKER_CONFIG: directory })
  t.match(filed.out, `Credentials     user puller (the Docker config file ${join(directory, 'config.json')})\n`)
  const piped = await runs(
    `resolve REPO:env-prod --username ${account.username} --password-stdin`,
    {},
    account.password,
  )
  t.same([piped.status, piped.err], [0, ''])
  t.match(piped.out, 'Credentials     user puller (--username and --password-stdin)\n')
  for (const form of ['table', 'json']) {
    const env = { CVMANAGER_REGISTRY_USERNAME: account.username, CVMANAGER_REGISTRY_PASSWORD: account.password }
    const { out } = await calls(`resolve REPO:env-prod -o ${form}`, env)
    t.match(out, 'the environment')
    t.notMatch(out, account.password)
  }
  const wrong = await calls('resolve REPO:env-prod --username ci --password-stdin', {}, 'hunter2')
  t.equal(wrong.status, 1)
  t.match(
    wrong.err,
    /^error: .*HOST refused the credentials for repository shop\/web .* Check the user, the password and their rights.*\n$/,
  )
  t.equal((await calls('resolve REPO:gone --username ci --password-stdin', {}, account.password)).status, 1)
})
