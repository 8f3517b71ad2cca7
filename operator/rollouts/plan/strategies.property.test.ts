/** What holds of every strategy, from any observed state: whole rollouts in a simulated cluster, with a process that is killed. */
import fc from 'fast-check'
import { test } from 'tap'
import { type StrategyKind, strategyKinds } from '../../api/names.ts'
import type { StrategySpec } from '../../api/strategy.ts'
import type { Labels } from '../workloads/workload.ts'
import { type Act, type Acts, moves, mustNotBeOverdue, offer, play, second } from './moves.fixture.ts'
import { imageOf } from './plan.fixture.ts'
import type { Simulated } from './simulated.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const runs = 300

const settings: Readonly<Record<StrategyKind, readonly StrategySpec[]>> = {
  Simple: [{ kind: 'Simple' }],
  ServiceBlueGreen: [
    { kind: 'ServiceBlueGreen', blueGreen: { serviceName: 'web' } },
    {
      kind: 'ServiceBlueGreen',
      blueGreen: {
        serviceName: 'web',
        verificationServiceName: 'preview',
        labelNames: ['color'],
        scaleDown: true,
        scaleDownDelaySeconds: 12,
      },
    },
  ],
}

const points =
  (name: string, selector: Labels): Act =>
  ({ services }) =>
    services.point(name, selector)
const scales =
  (replicas: number): Act =>
  (cluster, side) =>
    cluster.scale(side, replicas)
/** What changes the cluster without saying which version or which side is right. */
const weather: Acts = {
  'scales to 1': scales(1),
  'scales to 4': scales(4),
  'starts slowly': (cluster) => {
    cluster.startMs = 9 * second
  },
  'starts at once': (cluster) => {
    cluster.startMs = 0
  },
  'offers v1': offer('v1'),
  'offers v2': offer('v2'),
  'offers v3': offer('v3'),
  'loses the registry': offer(undefined),
}

const hands: Acts = {
  'points to blue': points('web', { app: 'web', color: 'blue' }),
  'points to green': points('web', { app: 'web', color: 'green' }),
  'points elsewhere': points('web', { app: 'maintenance' }),
  'points to both': points('web', { app: 'web' }),
  'points the preview to blue': points('preview', { app: 'web', color: 'blue' }),
  'deletes the Service': ({ services }) => void services.all.delete('web'),
  'scales to 0': scales(0),
  'turns bad': ({ bad }) => void bad.add('v2'),
  'hides Services': (cluster) => {
    cluster.hidesServices = true
  },
  'shows Services': (cluster) => {
    cluster.hidesServices = false
  },
  'has late endpoints': ({ services }) => {
    services.lagMs = 4 * second
  },
  'sets another image': (cluster, side) => cluster.setImage(side, imageOf('hand')),
  pauses: (_cluster, side) => {
    side.blocked = 'Paused'
  },
  'has no quota': (_cluster, side) => {
    side.blocked = 'Quota'
  },
  heals: (_cluster, side) => {
    side.blocked = undefined
    side.refuses = false
  },
  'refuses changes': (_cluster, side) => {
    side.refuses = true
  },
  'loses a label': (_cluster, side) => {
    side.podLabels = { app: 'web' }
  },
  'is deleted': (cluster, side) => {
    if (!cluster.workloads.includes(side)) return
    cluster.workloads.splice(cluster.workloads.indexOf(side), 1)
    cluster.gone.push(side)
  },
  'is made anew': (cluster, _side, at) => {
    cluster.workloads.push(...cluster.gone.splice(0).map((side) => ({ ...side, uid: `${side.name} at ${at}` })))
  },
  'gets an autoscaler': ({ autoscalers }, { name }) => {
    autoscalers.set(`Deployment/${name}`, { name, min: 2, max: 5 })
  },
  'edits the spec': (cluster) => {
    cluster.object = { ...cluster.object, generation: cluster.object.generation + 1 }
  },
}

const size = { workloads: 2, maxSeconds: 20 }
const kills = fc.array(fc.boolean(), { maxLength: 60 })
const bads = fc.subarray(['v2', 'v3'])
const sides = [
  ['blue', 3],
  ['green', 1],
] as const

function make(strategy: StrategySpec, bad: readonly string[], deaths: readonly boolean[]): Simulation {
  const dying = [...deaths]
  const options = { offered: 'v1', bad, spec: { timeoutSeconds: 20, strategy }, dies: () => dying.shift() ?? false }
  const cluster = new Simulation([imageOf('v1'), imageOf('v1')], options)
  for (const [at, [color, replicas]] of sides.entries())
    Object.assign(cluster.workloads[at] ?? {}, { replicas, podLabels: { app: 'web', color } })
  cluster.services.point('web', { app: 'web', color: 'blue' })
  cluster.services.point('preview', { app: 'web', color: 'green' })
  cluster.startMs = 2 * second
  return cluster
}

const sideOf = ({ workloads }: Simulation, selector: Labels): Simulated | undefined =>
  workloads.find(({ podLabels }) => podLabels?.color !== undefined && podLabels.color === selector.color)
const readyOf = (cluster: Simulation, side: Simulated | undefined): number => (side ? cluster.readyPods(side) : 0)

/** Throws as soon as a switch of users is not what it must be. */
function watchSwitches(cluster: Simulation): void {
  const seen = new Set<string>()
  cluster.services.onChange = (name, selector) => {
    const { rollout } = cluster.object.status
    if (name !== 'web' || !rollout) return
    const [to, from] = [sideOf(cluster, selector), sideOf(cluster, cluster.services.all.get('web')?.selector ?? {})]
    const direction = rollout.phase === 'RollingOut' ? 'there' : 'back'
    const [ready, left] = [readyOf(cluster, to), readyOf(cluster, from)]
    const wanted = direction === 'there' ? (from?.replicas ?? 0) : (to?.replicas ?? 0)
    if (ready < wanted && (direction === 'there' || ready <= left))
      throw new Error(`R12 switched ${direction} to ${ready} ready pods, and ${wanted} are wanted`)
    const once = `${rollout.id} ${direction}`
    const { verificationServiceName: preview } = rollout.settings?.strategy.blueGreen ?? {}
    if (direction === 'there' && preview && cluster.endpointsOf(preview) < wanted)
      throw new Error(`R12 switched before ${wanted} endpoints were ready`)
    if (seen.has(once)) throw new Error(`a second switch in rollout ${once}`)
    seen.add(once)
  }
}

/** What a rollout that is taken back must restore. */
const snapshot = ({ workloads, services }: Simulation) => ({
  images: workloads.map(({ image }) => image),
  replicas: workloads.map(({ replicas }) => replicas),
  selectors: [...services.all].map(([name, { selector }]) => [name, selector.color]),
})

for (const kind of strategyKinds) {
  const strategies = fc.constantFrom(...settings[kind])

  test(`R11 R12 ${kind}: whatever people do in the middle, it ends, switches once at most, and never to too few pods`, async (t) => {
    const acts = { ...weather, ...hands }
    fc.assert(
      fc.property(strategies, bads, moves(acts, size), kills, (strategy, bad, played, deaths) => {
        const cluster = make(strategy, bad, deaths)
        watchSwitches(cluster)
        play(cluster, acts, played, () => mustNotBeOverdue(cluster))
        const ids = cluster.past.map(({ id }) => id)
        return cluster.ineffective.length === 0 && new Set(ids).size === ids.length
      }),
      { numRuns: runs },
    )
    t.pass(`${runs} clusters`)
  })

  test(`${kind}: once everything is in order again, a good version comes to serve users in all its containers`, async (t) => {
    const acts = { ...weather, ...hands }
    fc.assert(
      fc.property(strategies, moves(acts, size), kills, (strategy, played, deaths) => {
        const cluster = make(strategy, [], deaths)
        play(cluster, acts, played)
        cluster.workloads.push(...cluster.gone.splice(0))
        cluster.workloads.sort((one, other) => (one.name < other.name ? -1 : 1))
        for (const [at, [color]] of sides.entries())
          Object.assign(cluster.workloads[at] ?? {}, {
            blocked: undefined,
            refuses: false,
            podLabels: { app: 'web', color },
          })
        cluster.autoscalers.clear()
        cluster.services.point('web', { app: 'web', color: 'blue' })
        cluster.services.point('preview', { app: 'web', color: 'green' })
        cluster.startMs = 0
        cluster.hidesServices = false
        cluster.offered = 'v4'
        cluster.object = { ...cluster.object, generation: 100 }
        cluster.run(120 * second)
        const serving = kind === 'Simple' ? cluster.workloads : [sideOf(cluster, selectorOfUsers(cluster))]
        return (
          cluster.object.status.phase === 'UpToDate' && serving.every((workload) => workload?.image === imageOf('v4'))
        )
      }),
      { numRuns: runs },
    )
    t.pass(`${runs} clusters`)
  })

  test(`R11 ${kind}: a rollout that is taken back restores exactly what was recorded, wherever the process dies`, async (t) => {
    fc.assert(
      fc.property(strategies, moves(weather, size), kills, (strategy, played, deaths) => {
        const cluster = make(strategy, ['v2', 'v3'], deaths)
        cluster.settle()
        const before = snapshot(cluster)
        const pods = Object.fromEntries(Object.entries(weather).filter(([what]) => !what.startsWith('scales')))
        play(
          cluster,
          pods,
          played.filter(({ what }) => what in pods),
        )
        cluster.offered = 'v1'
        cluster.run(60 * second)
        const after = snapshot(cluster)
        if (JSON.stringify(after) !== JSON.stringify(before)) throw new Error(JSON.stringify({ before, after }))
      }),
      { numRuns: runs },
    )
    t.pass(`${runs} clusters`)
  })
}

const selectorOfUsers = ({ services }: Simulation): Labels => services.all.get('web')?.selector ?? {}
