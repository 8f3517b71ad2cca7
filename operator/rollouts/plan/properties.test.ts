/** Whole rollouts in a simulated cluster, among obstacles that come and go, with a process that is killed now and then. */
import fc from 'fast-check'
import { test } from 'tap'
import { type Act, type Acts, maxOverdueMs, moves, mustNotBeOverdue, offer, play, second } from './moves.fixture.ts'
import { imageOf } from './plan.fixture.ts'
import type { Simulated } from './simulated.fixture.ts'
import { Simulation } from './simulation.fixture.ts'

const timeoutSeconds = 20
const block =
  (blocked: Simulated['blocked']): Act =>
  (_cluster, workload) => {
    workload.blocked = blocked
  }
const rewriting =
  (rewrite: (image: string) => string): Act =>
  (cluster) => {
    cluster.rewrite = rewrite
  }
const setImage =
  (name: string): Act =>
  (_cluster, workload) => {
    workload.image = imageOf(name)
  }

/** Each of them can heal. */
const obstacles: Acts = {
  pauses: block('Paused'),
  'waits for hands': block('OnDelete'),
  'has no quota': block('Quota'),
  heals: block(undefined),
  'refuses patches': (_cluster, workload) => {
    workload.refuses = true
  },
  'takes patches': (_cluster, workload) => {
    workload.refuses = false
  },
  'rewrites to a mirror': rewriting((image) => image.replace('registry', 'mirror')),
  'rewrites to one image': rewriting(() => imageOf('pinned')),
  'rewrites a version': rewriting((image) => image.replace(/:v2@.*/, ':latest')),
  'rewrites nothing': rewriting((image) => image),
  goes: (cluster, workload, at) => {
    if (cluster.workloads.length > 0) cluster.workloads.splice(cluster.workloads.indexOf(workload), 1)
    cluster.gone.push({ ...workload, uid: `${workload.name} at ${at}` })
  },
  'comes again': (cluster) => cluster.workloads.push(...cluster.gone.splice(0)),
  'loses the registry': offer(undefined),
  'edits the spec': (cluster) => {
    cluster.object = { ...cluster.object, generation: cluster.object.generation + 1 }
  },
}

const versions: Acts = Object.fromEntries(['v1', 'v2', 'v3'].map((name) => [`offers ${name}`, offer(name)]))
const byHand: Acts = Object.fromEntries(['v1', 'hand', 'other'].map((name) => [`sets ${name} by hand`, setImage(name)]))

const size = { workloads: 3, maxSeconds: 25 }
const kills = fc.array(fc.boolean(), { maxLength: 40 })
const counts = fc.integer({ min: 1, max: 3 })

function make(count: number, running: string, bad: readonly string[], deaths: readonly boolean[]): Simulation {
  const dying = [...deaths]
  const images = Array.from({ length: count }, () => imageOf(running))
  return new Simulation(images, { offered: running, bad, spec: { timeoutSeconds }, dies: () => dying.shift() ?? false })
}

function heal(cluster: Simulation): void {
  cluster.workloads.push(...cluster.gone.splice(0))
  for (const workload of cluster.workloads) {
    workload.blocked = undefined
    workload.refuses = false
  }
  cluster.rewrite = (image) => image
}

test('R11 whatever can heal is never in quarantine, no rollout is overdue, and all is well once it has healed', async (t) => {
  const acts = { ...obstacles, ...versions }
  fc.assert(
    fc.property(counts, moves(acts, size), kills, (count, played, deaths) => {
      const cluster = make(count, 'v1', [], deaths)
      play(cluster, acts, played, () => {
        mustNotBeOverdue(cluster)
        const { quarantined, rollouts = [] } = cluster.object.status
        const failed = rollouts.filter(({ outcome }) => outcome === 'RolledBack' || outcome === 'Failed')
        if (quarantined || failed.length > 0) throw new Error(JSON.stringify({ quarantined, failed }))
      })
      heal(cluster)
      cluster.offered = 'v3'
      cluster.object = { ...cluster.object, generation: 100 }
      cluster.run(60 * second)
      const ids = cluster.past.map(({ id }) => id)
      return (
        cluster.images.every((image) => image === imageOf('v3')) &&
        cluster.object.status.phase === 'UpToDate' &&
        new Set(ids).size === ids.length &&
        new Set(cluster.records.map((record) => record.split(' ')[0])).size === cluster.records.length
      )
    }),
    { numRuns: 300 },
  )
  t.pass('300 clusters')
})

test('R11 a deletion ends by the deadline and 10 s, whatever is refused or rewritten', async (t) => {
  const acts = { ...obstacles, ...versions }
  fc.assert(
    fc.property(counts, moves(acts, size), kills, fc.boolean(), (count, played, deaths, refuses) => {
      const cluster = make(count, 'v1', ['v3'], deaths)
      play(cluster, acts, played, () => mustNotBeOverdue(cluster))
      for (const workload of cluster.workloads) workload.refuses ||= refuses
      const { rollout } = cluster.object.status
      cluster.object = { ...cluster.object, deleting: true }
      const deadline = Math.max(cluster.now, Date.parse(rollout?.deadline ?? '1970-01-01T00:00:00Z'))
      cluster.run(deadline + maxOverdueMs - cluster.now)
      return cluster.object.status.rollout === undefined
    }),
    { numRuns: 300 },
  )
  t.pass('300 clusters')
})

test('a rollback never restores an image that was not healthy while a better one is known', async (t) => {
  const acts = { ...versions, ...byHand, pauses: block('Paused'), heals: block(undefined) }
  const bads = fc.subarray(['v2', 'v3', 'hand'], { minLength: 1 })
  fc.assert(
    fc.property(
      counts,
      fc.constantFrom('v1', 'hand'),
      bads,
      moves(acts, size),
      kills,
      (count, first, bad, played, deaths) => {
        const cluster = make(count, first, bad, deaths)
        const ranWell = new Set<string>()
        play(cluster, acts, played, () => {
          const { phase, current, rollout } = cluster.object.status
          const blocked = cluster.workloads.some((workload) => workload.blocked)
          if (phase === 'UpToDate' && current?.image && !cluster.isBad(current.image) && !blocked)
            ranWell.add(current.image)
          const previous = rollout?.workloads.flatMap((workload) => workload.previous.map(({ image }) => image)) ?? []
          const broken = previous.filter((image) => cluster.isBad(image))
          const better = [...ranWell].filter((image) => image !== rollout?.image)
          if (broken.length > 0 && better.length > 0) throw new Error(JSON.stringify({ broken, better }))
        })
      },
    ),
    { numRuns: 300 },
  )
  t.pass('300 clusters')
})
