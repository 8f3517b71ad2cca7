/** `cr resolve --policy` with real registries: the choice, the other tags, and the reasons. */
import t from 'tap'
import { motoEnvironment, startMoto } from '../../../e2e/harness/moto.ts'
import { callsTo, ci } from '../ci-job.fixture.ts'

t.test(
  'the output shows the tags that fit, that do not fit, and that the filter refuses, and the choice',
  async (t) => {
    const { registry, calls } = await ci(t)
    const { digest } = await registry.push('shop/web', ['1.10.0-alpine'], { multiArch: true })
    await registry.push('shop/web', ['1.9.0-alpine', '2.0.0-alpine', '1.10.0', 'latest', 'one-alpine'])
    const { status, out, err } = await calls('resolve REPO --policy semver=^1 --filter (.+)-alpine --extract $1')
    t.same([status, err], [0, ''])
    t.equal(
      out,
      `Image           HOST/shop/web:1.10.0-alpine
Provider        oci
Credentials     anonymous: none are given
Policy          semver ^1
Filter          (.+)-alpine, of which $1
Refused         2: latest, 1.10.0
Unfit           2: one-alpine (as one), 2.0.0-alpine (as 2.0.0)
Fitting         2: 1.10.0-alpine (as 1.10.0), 1.9.0-alpine (as 1.9.0)
Digest          ${digest}
Media type      application/vnd.oci.image.index.v1+json
Platforms       linux/amd64, linux/arm64
Version         1.10.0-alpine (policy)
Why             the repository has 6 tags; 4 of them pass the filter
                of these, 2 are a semantic version (major.minor.patch) in the range ^1
                1.10.0-alpine is the highest of them
Workloads get   HOST/shop/web:1.10.0-alpine@${digest}
`,
    )
  },
)

t.test('the JSON output has every tag', async (t) => {
  const { registry, calls } = await ci(t)
  const { digest } = await registry.push('shop/web', ['10', '9', 'latest'])
  const { status, out } = await calls('resolve REPO --policy numeric -o json')
  t.equal(status, 0)
  t.same(JSON.parse(out), {
    policy: { numeric: {} },
    fitting: [
      { tag: '10', compared: '10' },
      { tag: '9', compared: '9' },
    ],
    unfit: [{ tag: 'latest', compared: 'latest' }],
    refused: [],
    digest,
    version: { digest, name: '10', source: 'policy' },
    why: ['the repository has 3 tags', 'of these, 2 are a whole number', '10 is the largest of them'],
    image: 'HOST/shop/web:10',
    workloadImage: `HOST/shop/web:10@${digest}`,
    provider: 'oci',
    credentials: { source: 'anonymous: none are given' },
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    platforms: [],
  })
})

t.test('every policy can be written in one word, also with prereleases', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', ['1.0.0', '1.1.0-rc.1', '2026.01.31', '2025.12.01', '7'])
  for (const [policy, chosen] of [
    ['semver=^1', '1.0.0'],
    ['semver=^1,prerelease', '1.1.0-rc.1'],
    ['calendar=YYYY.MM.DD', '2026.01.31'],
    ['numeric', '7'],
  ] as const) {
    const { status, out } = await calls(`resolve REPO --policy ${policy} -o json`)
    t.equal(status, 0, policy)
    t.equal(JSON.parse(out).version.name, chosen, policy)
  }
})

t.test('if no tag fits, the output shows all tags, and the exit status is 3', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', ['1.0.0', 'latest'])
  const none = await calls('resolve REPO --policy semver=^2')
  t.equal(none.status, 3)
  t.match(none.out, /Image +HOST\/shop\/web\n/)
  t.match(none.out, /Unfit +2: latest, 1\.0\.0\nFitting +<none>\nWhy +the repository has 2 tags\n/)
  t.equal(
    none.err,
    'error: no tag of HOST/shop/web fits: no tag is a semantic version (major.minor.patch) in the range ^2; it has, for example, latest\n',
  )
  const filtered = await calls('resolve REPO --policy numeric --filter v[0-9]+ -o json')
  t.equal(filtered.status, 3)
  t.match(JSON.parse(filtered.out), { fitting: [], refused: ['latest', '1.0.0'] })
  t.match(filtered.err, /no tag matches --filter v\[0-9\]\+ as a whole/)
})

t.test('an invalid policy is a usage error; a failure of the registry is not', async (t) => {
  const { registry, calls } = await ci(t)
  await registry.push('shop/web', ['1.0.0'])
  const cases: readonly (readonly [string, 1 | 2 | 3, RegExp])[] = [
    [
      'resolve REPO --policy semver=one',
      2,
      /^error: --policy, semver\.range "one" cannot be used: "one" at character 1/,
    ],
    ['resolve REPO --policy calendar=YYYYxMM', 2, /--policy, calendar\.format "YYYYxMM" .*character 5/],
    ['resolve REPO --policy numeric --filter v(', 2, /--filter "v\(" cannot be used/],
    ['resolve REPO --policy numeric --filter v(.*) --extract $2', 2, /--extract "\$2" .*no group 2/],
    ['resolve REPO --policy newest', 1, /\(oci\) does not report when a tag was pushed/],
    ['resolve REPO/typo --policy numeric', 3, /repository shop\/web\/typo/],
    ['resolve localhost:1/shop/web --policy numeric', 1, /localhost:1/],
  ]
  for (const [command, status, message] of cases) {
    const ended = await calls(command)
    t.equal(ended.status, status, command)
    t.match(ended.err, message, command)
    t.match(ended.err, /^error: [^\n]+\n$/, `${command}: one line`)
    t.equal(ended.out, '', command)
  }
})

t.test('on ECR, newest shows when each tag was pushed', async (t) => {
  const moto = await startMoto()
  t.teardown(() => moto.stop())
  Object.assign(process.env, motoEnvironment)
  const { calls } = callsTo(t, moto.host, ['--registry-endpoint', `ecr=${moto.endpoint}`])
  await moto.push('shop/web', ['build-2', 'latest'])
  const { status, out } = await calls('resolve REPO --policy newest --filter build-.*')
  t.equal(status, 0)
  t.match(out, /Refused +1: latest\nUnfit +<none>\nFitting +1: build-2 \(pushed 20[0-9-]+T[0-9:.]+Z\)\n/)
  t.match(out, /Why +the repository has 2 tags whose time of push is known; 1 of them passes the filter\n/)
  t.match(out, /build-2 is the one that was pushed last of them\n/)
})
