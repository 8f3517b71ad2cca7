import { test } from 'tap'
import { loadSettings } from '../config/settings.ts'
import { NeedsChangeError } from '../errors.ts'
import { createLogger } from '../log/log.ts'
import { epoch, imageOf, object, observation, offers } from '../rollouts/plan/plan.fixture.ts'
import { plan } from '../rollouts/plan/plan.ts'
import { Simulation } from '../rollouts/plan/simulation.fixture.ts'
import { sync } from './sync.ts'

/** A workload that runs v1 and is up to date; v2 is on offer from now on. */
function offeredV2(options: Partial<ConstructorParameters<typeof Simulation>[1]> = {}): Simulation {
  const cluster = new Simulation([imageOf('v1')], { offered: 'v1', ...options })
  cluster.settle()
  cluster.offered = 'v2'
  return cluster
}

const maxReconciles = 60

/** Runs `cr sync --once`, and reconciles once a second. */
async function once(cluster: Simulation, onTurn: (turn: number) => void = () => undefined) {
  const lines: string[] = []
  const log = createLogger({ logLevel: 'info', logFormat: 'json', to: { write: (line) => lines.push(line) } })
  const request = { settings: loadSettings({ flags: {} }), namespace: 'shop', name: 'web-cv', provider: undefined }
  const signal = new AbortController().signal
  const result = await sync({ ...request, once: true, log, signal }, async (onReconciled) => ({
    objects: { get: () => cluster.object },
    operator: {
      async start() {
        for (let times = 0; times < maxReconciles; times += 1) {
          onTurn(times)
          const seen = observation({ object: cluster.object, offer: offers(cluster.offered ?? '') })
          onReconciled(seen, cluster.reconcile(), undefined)
          cluster.now += 1_000
        }
      },
    },
    troubles: () => [],
    stop: async () => undefined,
  }))
  return { result, lines: lines.map((line) => JSON.parse(line)) }
}

test('a new object whose workloads are not there yet has no result before its first status', async (t) => {
  const problem = new NeedsChangeError('WorkloadNotFound', 'no workload has the labels of spec.selector')
  const signal = new AbortController().signal
  const log = createLogger({ logLevel: 'error', logFormat: 'json' })
  const request = { settings: loadSettings({ flags: {} }), namespace: 'shop', name: 'new', provider: undefined }
  const result = await sync({ ...request, once: true, log, signal }, async (onReconciled) => ({
    objects: { get: () => object() },
    operator: {
      async start() {
        for (const now of [epoch, epoch + 5_000]) {
          const seen = observation({ object: object(), offer: offers('v1'), problem, newSince: epoch, now })
          onReconciled(seen, plan(seen), undefined)
        }
      },
    },
    troubles: () => [],
    stop: async () => undefined,
  }))
  t.match(result, { outcome: 'Failed', message: problem.message })
})

test('a rollout ends with its result, and the events tell the rest', async (t) => {
  t.same(await once(offeredV2()), { result: { outcome: 'RolledOut', message: 'all workloads run v2' }, lines: [] })
})

test('what a rollout waits for is said once, also of a rollout that has begun before', async (t) => {
  const cluster = offeredV2()
  const [web] = cluster.workloads
  if (web) web.blocked = 'OnDelete'
  for (let turns = 0; turns < 2; turns += 1) cluster.reconcile()
  const { result, lines } = await once(cluster, (turn) => {
    if (turn === 5 && web) web.blocked = undefined
  })
  t.match(result, { outcome: 'RolledOut' })
  const line = { namespace: 'shop', containerVersion: 'web-cv', phase: 'RollingOut' }
  t.match(lines[0], { ...line, msg: /^the rollout of v2 waits without a deadline for / })
  t.same(
    lines.map(({ msg }) => msg),
    [...new Set(lines.map(({ msg }) => msg))],
  )
  t.ok(lines.length <= 2, lines.map(({ msg }) => msg).join())
})

test('a version that fails now has failed; one that has failed before is held', async (t) => {
  const cluster = offeredV2({ bad: ['v2'] })
  const cause = /^v2 failed and was rolled back: Deployment\/web-0: container web of pod web-x is in ImagePullBackOff\./
  const failed = (await once(cluster)).result
  t.match(failed, { outcome: 'RolledBack', message: cause })
  t.notHas(failed, { heldBy: String })
  t.match((await once(cluster)).result, { outcome: 'RolledBack', message: cause, heldBy: 'Quarantine' })
})

test('a gate that opens by itself is named, with its time', async (t) => {
  const cluster = offeredV2({ rewrite: (image) => image.replace(/:v2@sha256:.*/, ':latest') })
  t.match((await once(cluster)).result, {
    outcome: 'Failed',
    message: /^v2 could not be tried: .* cvmanager tries it again at /,
  })
  cluster.now = epoch + 20_000
  const { result } = await once(cluster)
  t.match(result, { outcome: 'Failed', message: /^v2 could not be tried: /, heldBy: 'ImageRewritten' })
  t.ok((result.heldUntil ?? 0) > epoch + 20_000)
})

test('a paused Deployment holds the version, and a selection without workloads is a failure', async (t) => {
  const cluster = offeredV2()
  const [web] = cluster.workloads
  if (web) web.blocked = 'Paused'
  t.match((await once(cluster)).result, { outcome: 'Held', message: /resume/, heldBy: 'WorkloadPaused' })
  cluster.selected = []
  const { result } = await once(cluster)
  t.match(result, { outcome: 'Failed', message: 'no workload' })
  t.notHas(result, { heldBy: String })
})
