import type { Test } from 'tap'
import type { PastRollout } from '../../../operator/api/rollout-status.ts'
import { until } from '../../harness/until.ts'
import type { Bed, KindTest } from '../bed.ts'
import { runMake } from '../bed.ts'
import { Load } from '../load.ts'
import { containerVersion, deployment, namespace, nodePorts, service, shopNamespace, tag } from '../shop.ts'

const waitMs = 240_000

const repositoryOf = ({ cluster }: Bed) => `${cluster.registry}/shop/web`

export const rolloutTests: readonly KindTest[] = [
  {
    name: '`make deploy` builds, loads, installs, waits, and says what to do next',
    async run(t, bed) {
      const { cluster } = bed
      const started = Date.now()
      const insecure = `settings.insecureRegistries[0]=${cluster.registry}`
      const output = await runMake(bed, 'deploy', { HELM_ARGS: `--set ${insecure}` })
      t.comment(`make deploy took ${Math.round((Date.now() - started) / 1000)} s`)
      t.match(output, /kubectl get cv --all-namespaces/)
      const { items } = await cluster.json<{ items: readonly Pod[] }>('get', 'pods', '--namespace', 'cvmanager')
      t.equal(items.length, 2)
      for (const { status } of items) {
        const [container] = status.containerStatuses
        t.ok(container?.ready)
        t.equal(container?.restartCount, 0)
      }
    },
  },
  {
    name: 'Simple rolls a real HTTP server out under load, and no request fails',
    async run(t, bed) {
      const { cluster, publisher } = bed
      await cluster.apply(shopNamespace)
      await release(bed, 'v1.0.0')
      const labels = { app: 'simple' }
      await cluster.apply(
        deployment('simple', labels, `${repositoryOf(bed)}:v1.0.0`),
        service('simple', labels, nodePorts.simple),
        containerVersion('simple', repositoryOf(bed), { kind: 'Simple' }),
      )
      await atWork(bed, 'simple', 'v1.0.0')
      await underLoad(t, bed, nodePorts.simple, 'v1.1.0', async () => {
        await publisher.moveTag((await publisher.push('v1.1.0')).digest, tag)
        await atWork(bed, 'simple', 'v1.1.0')
      })
    },
  },
  {
    name: 'ServiceBlueGreen rolls a real HTTP server out under load, and no request fails',
    async run(t, bed) {
      const { cluster } = bed
      await release(bed, 'v1.1.0')
      const sides = ['blue', 'green'].map((color) => ({ color, labels: { app: 'colors', color } }))
      await cluster.apply(
        ...sides.map(({ color, labels }) =>
          deployment(`colors-${color}`, labels, `${repositoryOf(bed)}:v1.1.0`, color === 'blue' ? 2 : 0),
        ),
        service('colors', { app: 'colors', color: 'blue' }, nodePorts.blueGreen),
        containerVersion('colors', repositoryOf(bed), {
          kind: 'ServiceBlueGreen',
          blueGreen: { serviceName: 'colors', labelNames: ['color'], scaleDown: true, scaleDownDelaySeconds: 5 },
        }),
      )
      await atWork(bed, 'colors', 'v1.1.0')
      await underLoad(t, bed, nodePorts.blueGreen, 'v1.2.0', async () => {
        await release(bed, 'v1.2.0')
        await atWork(bed, 'colors', 'v1.2.0')
      })
      const { spec } = await cluster.json<{ spec: { selector: object } }>(
        'get',
        'service',
        'colors',
        '--namespace',
        namespace,
      )
      t.same(spec.selector, { app: 'colors', color: 'green' })
    },
  },
  ...[
    { fault: 'does not pull', version: 'v1.3.0-broken', broken: true, says: /pull/i },
    { fault: 'crashes', version: 'v1.4.0-crash', broken: false, says: /CrashLoopBackOff|exits with/ },
    { fault: 'never gets ready', version: 'v1.5.0-unready', broken: false, says: /ready/i },
  ].map(
    ({ fault, version, broken, says }): KindTest => ({
      name: `a version that ${fault} is rolled back with both strategies, and no request fails`,
      run: (t, bed) => isRolledBack(t, bed, version, says, broken),
    }),
  ),
  {
    name: 'a version whose check fails is rolled back with both strategies, and no request fails; a good one passes',
    async run(t, bed) {
      const check = { kind: 'Command', name: 'self-test', command: ['/web', '--self-test'], timeoutSeconds: 60 }
      for (const name of applications) {
        const patch = JSON.stringify({ spec: { strategy: { verify: [check] } } })
        await bed.cluster.kubectl('patch', 'cv', name, '--namespace', namespace, '--type=merge', `--patch=${patch}`)
      }
      await isRolledBack(t, bed, 'v1.6.0-exit3', /self-test/)
      await release(bed, 'v1.7.0')
      for (const name of applications) await atWork(bed, name, 'v1.7.0')
    },
  },
  {
    name: 'S8 the pods of checks ran in a namespace that enforces Pod Security "restricted"',
    async run(t, { cluster }) {
      const { items } = await cluster.json<{ items: readonly Event[] }>('get', 'events', '--namespace', namespace)
      const checks = items.filter(
        ({ involvedObject, reason }) => /check|self-test/.test(involvedObject.name) && reason === 'Started',
      )
      t.ok(checks.length > 0, items.map(({ involvedObject: { name }, reason }) => `${name} ${reason}`).join(', '))
      const { output } = await cluster.attempt('kubectl', ['get', 'pods', '--namespace', namespace, '--output', 'name'])
      t.notMatch(output, /self-test/, 'and they are gone')
    },
  },
]

interface Pod {
  readonly status: { readonly containerStatuses: readonly { readonly ready: boolean; readonly restartCount: number }[] }
}

interface Event {
  readonly reason: string
  readonly involvedObject: { readonly name: string }
}

interface ContainerVersionStatus {
  readonly status?: {
    readonly phase?: string
    readonly current?: { readonly version?: string }
    readonly rollouts?: readonly PastRollout[]
  }
}

const applications = ['simple', 'colors'] as const

/** Releases a bad version, and then the good one again. */
async function isRolledBack(t: Test, bed: Bed, version: string, says: RegExp, broken = false): Promise<void> {
  const loads = await Promise.all(Object.values(nodePorts).map((port) => loadOn(bed, port)))
  await release(bed, version, broken)
  for (const name of applications) {
    const { outcome, message = '' } = await untilEnded(bed, name, version)
    t.equal(outcome, 'RolledBack', `${name}: ${message}`)
    t.match(message, says)
  }
  await release(bed, 'v1.2.0')
  for (const name of applications) await atWork(bed, name, 'v1.2.0')
  for (const load of loads) {
    const { answers, failures } = await load.stop()
    t.ok(answers > 0)
    t.same(failures, [])
  }
}

const release = async ({ publisher }: Bed, version: string, broken = false): Promise<void> =>
  publisher.moveTag((await publisher.push(version, broken)).digest, tag)

const statusOf = async ({ cluster }: Bed, name: string) =>
  (await cluster.json<ContainerVersionStatus>('get', 'cv', name, '--namespace', namespace)).status

/** Waits until the version runs everywhere and nothing is under way. */
async function atWork(bed: Bed, name: string, version: string): Promise<void> {
  await until(
    `${name} to run ${version}`,
    async () => {
      const status = await statusOf(bed, name)
      if (status?.phase === 'UpToDate' && status.current?.version === version) return true
      throw new Error(JSON.stringify(status))
    },
    waitMs,
  )
}

/** Waits for the end of the last rollout, which must be of this version. */
function untilEnded(bed: Bed, name: string, version: string): Promise<PastRollout> {
  return until(
    `the end of the rollout of ${version} to ${name}`,
    async () => (await statusOf(bed, name))?.rollouts?.find((each) => each.version === version),
    waitMs,
  )
}

const loadOn = async ({ cluster }: Bed, port: number) => new Load(`http://${await cluster.nodeAddress()}:${port}/`)

async function underLoad(
  t: Test,
  bed: Bed,
  port: number,
  version: string,
  rollOut: () => Promise<void>,
): Promise<void> {
  const load = await loadOn(bed, port)
  try {
    await rollOut()
    await until(`an answer of ${version}`, () => load.sees(version), waitMs)
  } finally {
    const { answers, failures, versions } = await load.stop()
    t.comment(`${answers} answers: ${[...versions].map(([name, count]) => `${name} ${count}`).join(', ')}`)
    t.same(failures, [])
    t.equal(versions.size, 2, 'the old version and the new one have answered')
  }
}
