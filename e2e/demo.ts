/**
 * `make demo`: cvmanager at work, from nothing. `DEMO=once` leaves out the stay at the end. With DEMO_REGISTRY and
 * DEMO_KUBECONFIG (or KUBECONFIG), the same on a cluster of the user's own. `node e2e/demo.ts push <version> [--broken]`
 * plays CI's part in a demo that stays.
 */
import { messageOf, UsageError } from '../operator/errors.ts'
import { startOperator } from './demo/operator-process.ts'
import { chooseStage, ownClusterAsked } from './demo/own-cluster.ts'
import { Play } from './demo/play.ts'
import { push } from './demo/push.ts'
import { announce } from './demo/running.ts'
import { explainStay, introduce } from './demo/script.ts'
import type { Stage } from './demo/stage.ts'
import { Terminal } from './demo/terminal.ts'
import type { RunningProgram } from './harness/processes.ts'
import { until } from './harness/until.ts'

const terminal = new Terminal(process.stdout)
const stopping = new AbortController()
let operator: RunningProgram | undefined
/** In the order of the making; undone the other way round. */
const endings: (() => Promise<void> | void)[] = []

async function perform(): Promise<void> {
  const own = ownClusterAsked(process.env)
  introduce(terminal, own)
  terminal.chapter('1. A cluster, a registry, and cvmanager')
  const stage = await chooseStage(own, terminal, stopping.signal)
  endings.push(() => stage.end())
  const { signal } = stopping
  signal.throwIfAborted()
  const running = await install(stage)
  operator = running
  endings.push(() => running.stop('SIGTERM', 5_000))
  endings.push(() => stage.withdraw())

  const play = new Play({ stage, terminal, operator: running, signal })
  endings.push(() => play.end())
  await play.application()
  terminal.chapter('3. CI delivers a new version')
  await play.goodVersion('v1.1.0')
  terminal.chapter('4. CI delivers a bad one')
  await play.badVersion('v1.2.0-broken')
  terminal.chapter('5. CI delivers the next one')
  await play.goodVersion('v1.3.0')
  await play.story('v1.3.0', 'v1.2.0-broken')
  if (process.env.DEMO === 'once') return

  const { registryOrigin, simulated, images } = stage
  endings.push(announce({ registryOrigin, simulated, architectures: images.architectures }))
  explainStay(terminal, stage)
  await play.stay()
}

async function install(stage: Stage): Promise<RunningProgram> {
  const { shell } = stage
  await shell.typed('kubectl apply -f crds/')
  await shell.typed('kubectl create namespace cvmanager')
  await shell.typed('kubectl apply -f deploy/rbac.yaml')
  // Which fails where the CRD is so new that it has no conditions at all.
  await until('the CRD to be established', async () => {
    await shell.quietly('kubectl wait --for=condition=Established crd/containerversions.cvmanager.io --timeout=30s')
    return true
  })
  const started = await startOperator(stage)
  try {
    const isAtWork = async () => !started.running || (await started.log()).includes('cvmanager is at work')
    await until('cvmanager to be at work', isAtWork, 30_000)
    await started.assertRunning()
  } catch (error) {
    await started.stop()
    throw error
  }
  terminal.line()
  terminal.done('cvmanager runs, beside the cluster, with the rights of deploy/rbac.yaml and no others')
  return started
}

async function clear(): Promise<void> {
  let failed = false
  for (const ending of endings.splice(0).reverse()) {
    try {
      await ending()
    } catch (thrown) {
      failed = true
      terminal.failed(messageOf(thrown))
    }
  }
  if (!failed) terminal.done('everything that the demo brought is removed')
}

function listen(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Impatience: the watchdog of the harness removes what is left.
      if (stopping.signal.aborted) process.exit(130)
      stopping.abort(new Error(`stopped by ${signal}`))
    })
  }
  // Nobody looks any more, such as after `make demo | head`.
  process.stdout.on('error', () => stopping.abort(new Error('the output was closed')))
}

async function main(): Promise<number> {
  const [command, ...rest] = process.argv.slice(2)
  try {
    if (command === 'push') {
      await push(rest, terminal)
      return 0
    }
    if (command !== undefined) throw new UsageError(`there is no "${command}"; there is: push <version> [--broken]`)
    listen()
    await perform()
    return 0
  } catch (thrown) {
    if (stopping.signal.aborted) return 130
    terminal.failed(messageOf(thrown))
    if (thrown instanceof UsageError) return 2
    if (operator?.running) terminal.line(`\nThe end of cvmanager's log:\n${await operator.lastLines()}`)
    return 1
  } finally {
    terminal.still()
    if (endings.length > 0) {
      terminal.line()
      await clear()
    }
  }
}

process.exit(await main())
