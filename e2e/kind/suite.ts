/** What only a real cluster shows. The tests share one cluster and one registry, and run in their order. */
import { performance } from 'node:perf_hooks'
import t from 'tap'
import { Publisher } from '../demo/publisher.ts'
import { realImage } from '../demo/real-image.ts'
import { baseImages } from './base-images.ts'
import type { Bed } from './bed.ts'
import { chartTests } from './cases/chart.ts'
import { imageTests } from './cases/image.ts'
import { rolloutTests } from './cases/rollouts.ts'
import { KindCluster } from './cluster.ts'

const started = performance.now()
const say = (line: string) => process.stdout.write(`# ${Math.round((performance.now() - started) / 1000)} s: ${line}\n`)

const cluster = await KindCluster.start(say)
const stopped = () => (stopping ??= cluster.stop())
let stopping: Promise<void> | undefined
t.teardown(stopped)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    say(`${signal}: the cluster and its engine go.`)
    void stopped().finally(() => process.exit(1))
  })
const bases = await baseImages(cluster.engine, say)
say('The cluster is ready.')
const architecture = process.arch === 'x64' ? 'amd64' : process.arch
const publisher = new Publisher(`http://${cluster.registry}`, await realImage([architecture]))
t.teardown(() => publisher.close())

const bed: Bed = {
  cluster,
  publisher,
  /** The Makefile's variables. */
  make: { ...bases, KIND_CLUSTER: cluster.name, DOCKER_BUILDKIT: '0', DOCKER_BUILD_ARGS: '--network host' },
  say,
}
for (const { name, run } of [...imageTests, ...rolloutTests, ...chartTests]) t.test(name, (t) => run(t, bed))
