/** Version policies on a real API server and a real registry. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { VersionPolicySpec } from '../operator/api/policy.ts'
import { tagPolicy } from '../operator/discovery/versions/policies/choosing.ts'
import { documentedSpecs } from './documents.ts'
import { type Cluster, type KubernetesObject, startCluster } from './harness/cluster.ts'
import { freePort } from './harness/ports.ts'
import { RunningProgram } from './harness/processes.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { untilValue } from './harness/until.ts'

const root = join(import.meta.dirname, '..')
const namespace = 'default'

interface Seen {
  readonly status?: {
    readonly phase?: string
    readonly message?: string
    readonly observed?: { readonly tag: string; readonly version: string; readonly source: string }
    readonly current?: { readonly version: string }
    readonly conditions?: readonly { readonly type: string; readonly reason: string }[]
  }
}

const containerVersion = (name: string, spec: object): KubernetesObject => ({
  apiVersion: 'cvmanager.io/v1',
  kind: 'ContainerVersion',
  metadata: { name, namespace },
  spec: { selector: { app: name }, pollIntervalSeconds: 5, ...spec },
})

const deployment = (name: string, image: string): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace, labels: { app: name } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
  },
})

async function refusals(t: Test, cluster: Cluster): Promise<void> {
  const imageRepo = 'registry.example.com/shop/web'
  const semver = { range: '^1' }
  const cases: readonly [string, object, RegExp][] = [
    ['neither tag nor policy', {}, /must say what to follow: write tag .*or policy .*semver: \{range: \^1\.0\.0\}/],
    ['tag and policy', { tag: 'env-prod', policy: { semver } }, /tag and policy exclude each other: keep tag .* leave/],
    ['an empty policy', { policy: {} }, /must say how to choose: write one of semver, calendar, numeric and newest/],
    ['a filter alone', { policy: { filter: { pattern: 'v.*' } } }, /must say how to choose/],
    ['two policies at once', { policy: { semver, numeric: {} } }, /must choose in one way: write only one of semver/],
    ['a semver without a range', { policy: { semver: {} } }, /required field "range" in .*spec\.policy\.semver/],
    [
      'a calendar without a format',
      { policy: { calendar: {} } },
      /required field "format" in .*spec\.policy\.calendar/,
    ],
    [
      'a pattern of 257 characters',
      { policy: { numeric: {}, filter: { pattern: 'x'.repeat(257) } } },
      /filter\.pattern: Too long: may not be more than 256/,
    ],
    [
      'an extract without a group',
      { policy: { numeric: {}, filter: { pattern: 'v(.*)', extract: 'v' } } },
      /must name a group of filter\.pattern, e\.g\. \$1/,
    ],
    ['an unknown policy', { policy: { alphabetical: {} } }, /unknown field "alphabetical" in .*spec\.policy/],
  ]
  for (const [what, spec, message] of cases) {
    await t.rejects(cluster.apply(containerVersion('refused', { imageRepo, ...spec })), { message }, what)
  }
  for (const policy of [{ numeric: {} }, { newest: {} }, { semver }, { calendar: { format: 'YYYY.MM' } }]) {
    await cluster.apply(containerVersion('accepted', { imageRepo, policy }))
  }
  await cluster.kubectl('delete', 'cv', 'accepted')
}

async function example(t: Test, cluster: Cluster): Promise<void> {
  await cluster.namespace('shop')
  const file = join(root, 'examples/version-policies/container-versions.yaml')
  const answer = await cluster.kubectl('apply', '--dry-run=server', '-f', file)
  t.equal(answer.match(/ created \(server dry run\)/g)?.length, 4, answer)
  const policies = documentedSpecs().flatMap(({ at, spec: { policy } }) => (policy ? [{ at, policy }] : []))
  t.ok(policies.length >= 5)
  // scenario/cases/admission.ts shows that the API server admits them.
  for (const { at, policy } of policies) t.doesNotThrow(() => tagPolicy(policy as VersionPolicySpec), at)
}

async function rollouts(t: Test, cluster: Cluster, registry: Registry): Promise<void> {
  const imageRepo = registry.repository('shop/web')
  const object = (name: string) => cluster.kubectlJson<Seen>('get', 'cv', name)
  const becomes = (name: string, what: string, fits: (status: NonNullable<Seen['status']>) => boolean) =>
    untilValue(
      `${name} to be ${what}`,
      () => object(name),
      ({ status }) => status !== undefined && fits(status),
      60_000,
    )
  const image = async () =>
    (
      await cluster.kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}')
    ).trim()

  const first = await registry.push('shop/web', ['v1.0.0', 'latest'])
  await registry.push('shop/web', ['v2.0.0-rc.1'])
  await cluster.apply(
    deployment('web', `${imageRepo}:v0.9.0`),
    containerVersion('web', { imageRepo, policy: { semver: { range: '^1' } } }),
  )
  await t.test('the highest version of the range is rolled out, named by its tag', async (t) => {
    const { status } = await becomes('web', 'up to date', ({ current }) => current?.version === 'v1.0.0')
    t.match(status, { phase: 'UpToDate', observed: { tag: 'v1.0.0', version: 'v1.0.0', source: 'policy' } })
    t.equal(await image(), `${imageRepo}:v1.0.0@${first.digest}`)
  })

  await t.test('a higher version that is pushed is rolled out too, with lists and HEAD requests alone', async (t) => {
    registry.forget()
    const second = await registry.push('shop/web', ['v1.10.0'])
    await registry.push('shop/web', ['v1.9.0'])
    await becomes('web', 'at v1.10.0', ({ current, phase }) => current?.version === 'v1.10.0' && phase === 'UpToDate')
    t.equal(await image(), `${imageRepo}:v1.10.0@${second.digest}`)
    t.same(new Set(registry.requests.map(({ kind }) => kind)), new Set(['tags', 'manifest']))
    const events = await cluster.kubectl(
      'get',
      'events',
      '-o',
      'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}',
    )
    t.match(events, /RolloutSucceeded v1\.10\.0 \(sha256:[0-9a-f]{12}\)/)
  })

  await t.test('kubectl shows how the policy chooses the version', async (t) => {
    t.match(await cluster.kubectl('describe', 'cv', 'web'), /Policy:\s+Semver:\s+Prerelease:\s+false\s+Range:\s+\^1/)
    t.match(await cluster.kubectl('get', 'cv', 'web'), /^web +semver \^1 +v1\.10\.0 +UpToDate/m)
    t.match(await cluster.kubectl('explain', 'cv.spec.policy.semver'), /docs\.npmjs\.com/)
  })

  await t.test('if the chosen tag is removed, the next best one is rolled out', async (t) => {
    await registry.untag('shop/web', 'v1.10.0')
    await becomes('web', 'at v1.9.0', ({ current, phase }) => current?.version === 'v1.9.0' && phase === 'UpToDate')
    t.match(await image(), ':v1.9.0@sha256:')
  })

  await t.test('the status reports what admission cannot check, and nothing changes', async (t) => {
    const before = await image()
    const reports = async (policy: object, reason: string, message: RegExp) => {
      const merged = { spec: { policy: { semver: null, numeric: null, newest: null, filter: null, ...policy } } }
      await cluster.kubectl('patch', 'cv', 'web', '--type=merge', '-p', JSON.stringify(merged))
      const { status } = await becomes('web', reason, ({ conditions }) =>
        Boolean(conditions?.some((condition) => condition.type === 'Ready' && condition.reason === reason)),
      )
      t.match(status, { phase: 'Stalled', message })
    }
    await reports(
      { semver: { range: '^1 or so' } },
      'VersionPolicyInvalid',
      /"or" at character 4 is no version.*Write a range/,
    )
    await reports({ numeric: {}, filter: { pattern: 'v([0-9' } }, 'VersionPolicyInvalid', /missing closing \]/)
    await reports({ semver: { range: '^7' } }, 'NoTagFits', /no tag is a semantic version .* in the range \^7/)
    await reports({ newest: {} }, 'PolicyNotSupported', /\(oci\) does not report when a tag was pushed/)
    t.equal(await image(), before)
  })
}

t.test('version policies', async (t) => {
  t.setTimeout(230_000)
  const [cluster, registry] = await Promise.all([startCluster(), startRegistry()])
  t.teardown(() => Promise.all([cluster.stop(), registry.stop()]))
  await cluster.kubectl('apply', '-f', join(root, 'crds'))
  await cluster.established('containerversions.cvmanager.io')

  await t.test('admission refuses specs that cannot work, and says what to write instead', (t) => refusals(t, cluster))
  await t.test('admission accepts the examples of the documentation', (t) => example(t, cluster))

  const operator = new RunningProgram({
    name: 'cvmanager',
    path: process.execPath,
    args: [
      join(root, 'operator/main.ts'),
      ...['run', '--k8s-config', cluster.kubeconfig, '--port', String(await freePort())],
      ...['--insecure-registry', registry.host, '--lease-namespace', namespace, '--log-format', 'json'],
    ],
    directory: cluster.directory,
    logFile: join(cluster.directory, 'cvmanager.log'),
    env: { HOME: cluster.directory },
  })
  t.teardown(() => operator.stop('SIGKILL'))
  await t.test('a semver policy rolls versions out', (t) => rollouts(t, cluster, registry))
  if (!t.passing()) t.comment(await operator.log())
})
