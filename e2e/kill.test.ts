/**
 * R1 Restart safety: cvmanager is killed at each of its writes during one rollout, before the API server sees the write or
 * after it has committed it, and started again. The result must equal that of an undisturbed rollout.
 */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { HistoryRecord } from '../operator/rollouts/history/records.ts'
import { startBed } from './scenario/bed.ts'
import { type Build, broken, v1, v2 } from './scenario/builds.ts'
import { blueGreenKills } from './scenario/cases/blue-green-kills.ts'
import { interruptions } from './scenario/cases/interruptions.ts'
import type { WorkloadKindName } from './scenario/manifests.ts'
import { emptyWorld, type Opening, webCv, workloads } from './scenario/scenario.ts'
import { eventsKey, type World } from './scenario/world.ts'
import { type Kill, WriteProxy } from './scenario/write-proxy.ts'

interface Path {
  readonly name: string
  readonly members: Pick<Opening, 'deployment' | 'statefulSet'>
  /** Whether an earlier process has seen the workloads up to date. */
  readonly adopted: boolean
  /** Whether a smoke test comes first. */
  readonly checked?: boolean
  readonly offered: Build
  readonly images: readonly Build[]
  readonly phase: 'UpToDate' | 'RolledBack'
  readonly outcome: string
}

const paths: readonly Path[] = [
  {
    name: 'a rollout of two workloads',
    members: { deployment: 'web', statefulSet: 'carts' },
    adopted: false,
    offered: v2,
    images: [v1, v2],
    phase: 'UpToDate',
    outcome: 'Succeeded',
  },
  {
    name: 'a rollout of an adopted version that is rolled back',
    members: { deployment: 'web', statefulSet: 'carts' },
    adopted: true,
    offered: broken,
    images: [v1, broken, v1],
    phase: 'RolledBack',
    outcome: 'RolledBack',
  },
]

/** It differs from the first path in the writes before the patch, around the pod of the check. */
const checked: Path = {
  name: 'a rollout after a check',
  members: { deployment: 'web' },
  adopted: false,
  checked: true,
  offered: v2,
  images: [v1, v2],
  phase: 'UpToDate',
  outcome: 'Succeeded',
}

/** Keeps two cores busy: each run mostly waits for pods and for a process to start. */
const sideBySide = 6
const quietMs = 400

const bed = await startBed(t)
t.jobs = sideBySide
/** The undisturbed run of each path, for comparison. */
const clean = new Map<string, Result>()
for (const path of [...paths, checked]) {
  await t.test(`${path.name}: undisturbed`, async (t) => {
    clean.set(path.name, await run(t, path))
  })
}
const runs = [...paths, checked].flatMap((path) => {
  const { writes = [] } = clean.get(path.name) ?? {}
  return killsOf(path.checked ? beforePatch(writes) : writes).map((kill) =>
    t.test(
      `R1 ${path.name}: killed ${kill.when} write ${kill.at} (${writes[kill.at - 1]})`,
      { buffered: true },
      async (t) => {
        const result = await run(t, path, kill)
        t.same(result.events, clean.get(path.name)?.events, 'the same events, each once')
      },
    ),
  )
})
await Promise.all([...runs, ...interruptions(t, bed), ...blueGreenKills(t, bed)])

interface Result {
  readonly writes: readonly string[]
  readonly events: readonly string[]
}

/**
 * A kill after each write. A kill before a write equals one after the previous write, except for the first write and for the
 * image patches, which are sent side by side.
 */
function killsOf(writes: readonly string[]): readonly (Kill & { readonly at: number })[] {
  return writes.flatMap((write, index) => {
    const at = index + 1
    const before = at === 1 || /^PATCH (deployments|statefulsets)/.test(write) ? [{ at, when: 'before' as const }] : []
    return [...before, { at, when: 'after' as const }]
  })
}

function beforePatch(writes: readonly string[]): readonly string[] {
  const patch = writes.findIndex((write) => write.startsWith('PATCH deployments'))
  return writes.slice(0, patch)
}

async function run(t: Test, path: Path, kill?: Kill): Promise<Result> {
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', path.adopted ? v1 : path.offered)
  const config = { name: 'versions', key: 'web' }
  await world.makes(
    ...workloads(world, { ...path.members, running: v1, replicas: 1 }),
    webCv(world, 'env-prod', { config, ...(path.checked ? { container: await smokeTest(world) } : {}) }),
  )
  await world.waitsFor('all pods to be ready', () =>
    membersOf(path).every(([name, kind]) => world.now(kind, name)?.ready === 1),
  )

  const flags = ['--watch-namespace', world.namespace, '--no-leader-election']
  if (path.adopted) await isAdopted(world, flags, path)
  const proxy = await WriteProxy.before(bed.kubeconfig)
  t.teardown(() => proxy.stop())
  const kubeconfig = await proxy.writeKubeconfig(join(bed.cluster.directory, `${world.namespace}.kubeconfig`))
  const start = () => bed.operator({ name: `cvmanager-${world.namespace}`, kubeconfig, flags })
  const first = await start()
  if (kill) {
    proxy.killAt(kill, () => first.program.signal('SIGKILL'))
    await Promise.race([first.program.exited, isDone(world, path, proxy)])
    if (first.program.running) t.comment('this run needed fewer writes than the undisturbed one')
  }
  const second = kill && !first.program.running ? await start() : first
  await isDone(world, path, proxy)
  // The undisturbed run stops gracefully, so that its compile cache serves the others.
  await second.stop(kill ? 'SIGKILL' : 'SIGTERM')

  await nothingIsWrong(t, world, path)
  const { writes } = proxy
  return { writes, events: (await world.events()).map(eventsKey).sort() }
}

async function smokeTest({ registry, namespace }: World) {
  await registry.push(`${namespace}/smoke`, 'v1', { content: 'smoke' })
  return { verify: [{ kind: 'Image', image: registry.repository(`${namespace}/smoke`), tag: 'v1' }] }
}

async function isAdopted(world: World, flags: readonly string[], { offered }: Path): Promise<void> {
  const operator = await bed.operator({ name: `cvmanager-${world.namespace}`, flags })
  await world.waitsFor('the workloads to be adopted', async () => {
    const deployed = await world.configMap('versions').catch(() => undefined)
    return world.now('ContainerVersion', 'web-cv')?.status.phase === 'UpToDate' && deployed?.web === v1.name
  })
  await operator.stop('SIGKILL')
  await world.ciMoves('env-prod', offered)
}

async function isDone(world: World, { phase }: Path, proxy: WriteProxy): Promise<void> {
  await world.waitsFor(`the end: ${phase}`, () => {
    const now = world.now('ContainerVersion', 'web-cv')
    return now?.status.phase === phase && now.finalizers.length === 0 && Date.now() - proxy.lastWriteAt > quietMs
  })
}

function membersOf({ members }: Path): readonly (readonly [string, WorkloadKindName])[] {
  const { deployment, statefulSet } = members
  return [
    ...(deployment === undefined ? [] : [[deployment, 'Deployment'] as const]),
    ...(statefulSet === undefined ? [] : [[statefulSet, 'StatefulSet'] as const]),
  ]
}

async function nothingIsWrong(t: Test, world: World, path: Path): Promise<void> {
  const { images, phase, outcome, offered, adopted } = path
  for (const [name, kind] of membersOf(path)) {
    t.same(
      world.imagesOf(name, kind),
      images.map((build) => world.imageOf(build)),
      `${kind} ${name} had these images`,
    )
    t.equal(world.now(kind, name)?.generation, images.length, 'and no other change')
    const history = await world.history(name)
    const records = JSON.parse(history['rollouts.json']) as HistoryRecord[]
    t.match(records, [{ version: offered.name, outcome, previousImages: { main: world.imageOf(v1) } }])
    t.equal(records.length, 1, 'one history record')
    t.equal(history.Info.match(/Update occurred/g)?.length ?? 0, outcome === 'Succeeded' ? 1 : 0)
  }
  const status = await world.status()
  t.match(status, { phase, rollouts: [{ version: offered.name, outcome }] })
  t.equal(status.rollouts?.length, 1, 'one rollout')
  t.notOk(status.rollout, 'no rollout is in progress')
  const before = adopted ? v1.name : undefined
  const version = phase === 'UpToDate' ? offered.name : before
  t.equal((await world.configMap('versions').catch(() => undefined))?.web, version, 'the deployed version is written')
  t.same(
    status.rollouts?.[0]?.checks?.map(({ state }) => state),
    path.checked ? ['Passed'] : undefined,
  )
  const pods = await world.kubectl('get', 'pods', '-l', 'cvmanager.io/check', '-o', 'name')
  t.equal(pods, '', 'no pod of a check is left')
  const events = (await world.events()).map(eventsKey)
  t.same(events, [...new Set(events)], 'no event twice')
}
