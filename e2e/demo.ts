/**
 * `make demo`: shows cvmanager at work on a new cluster. `DEMO=once` exits at the end. DEMO_REGISTRY and DEMO_KUBECONFIG (or
 * KUBECONFIG) run it on the user's own cluster. `node e2e/demo.ts push <version> [--broken]` acts as CI while a demo runs.
 */
import { messageOf, UsageError } from '../operator/errors.ts'
import { BlueGreen } from './demo/blue-green.ts'
import type { Environment } from './demo/environment.ts'
import { explainNextSteps, introduce } from './demo/messages.ts'
import { startOperator } from './demo/operator-process.ts'
import { chooseEnvironment, requestedCluster } from './demo/own-environment.ts'
import { push } from './demo/push.ts'
import { announce } from './demo/running.ts'
import { Terminal } from './demo/terminal.ts'
import { Walkthrough } from './demo/walkthrough.ts'
import type { RunningProgram } from './harness/processes.ts'
import { until } from './harness/until.ts'

const terminal = new Terminal(process.stdout)
const stopping = new AbortController()
let operator: RunningProgram | undefined
/** Run in reverse order at the end. */
const cleanups: (() => Promise<void> | void)[] = []

async function run(): Promise<void> {
  const own = requestedCluster(process.env)
  introduce(terminal, own)
  terminal.chapter('1. A cluster, a registry, and cvmanager')
  const environment = await chooseEnvironment(own, terminal, stopping.signal)
  cleanups.push(() => environment.end())
  const { signal } = stopping
  signal.throwIfAborted()
  const running = await install(environment)
  operator = running
  cleanups.push(() => running.stop('SIGTERM', 5_000))
  cleanups.push(() => environment.removeContainerVersions())

  const walkthrough = new Walkthrough({ environment, terminal, operator: running, signal })
  cleanups.push(() => walkthrough.end())
  await walkthrough.application()
  terminal.chapter('3. CI delivers a new version')
  await walkthrough.goodVersion('v1.1.0')
  terminal.chapter('4. CI delivers a bad one')
  await walkthrough.badVersion('v1.2.0-broken')
  terminal.chapter('5. CI delivers the next one')
  await walkthrough.goodVersion('v1.3.0')
  await walkthrough.showStatus('v1.3.0', 'v1.2.0-broken')
  const blueGreen = new BlueGreen({ environment, terminal, operator: running, signal }, walkthrough.ci)
  cleanups.push(() => blueGreen.end())
  await blueGreen.application('v1.3.0')
  await blueGreen.switches('v1.4.0')
  await blueGreen.refuses('v1.5.0-exit3')
  if (process.env.DEMO === 'once') return

  const { registryOrigin, simulated, images } = environment
  cleanups.push(announce({ registryOrigin, simulated, architectures: images.architectures }))
  explainNextSteps(terminal, environment)
  await walkthrough.watch()
}

async function install(environment: Environment): Promise<RunningProgram> {
  const { shell } = environment
  await shell.show('kubectl apply -f crds/')
  await shell.show('kubectl create namespace cvmanager')
  await shell.show('kubectl apply -f deploy/rbac.yaml')
  // `kubectl wait` fails if the new CRD has no conditions yet.
  await until('the CRD to be established', async () => {
    await shell.run('kubectl wait --for=condition=Established crd/containerversions.cvmanager.io --timeout=30s')
    return true
  })
  const started = await startOperator(environment)
  try {
    const isAtWork = async () => !started.running || (await started.log()).includes('cvmanager is at work')
    await until('cvmanager to be at work', isAtWork, 30_000)
    await started.assertRunning()
  } catch (error) {
    await started.stop()
    throw error
  }
  terminal.line()
  terminal.done('cvmanager runs outside the cluster, with the rights of deploy/rbac.yaml and no others')
  return started
}

async function cleanUp(): Promise<void> {
  let failed = false
  for (const cleanup of cleanups.splice(0).reverse()) {
    try {
      await cleanup()
    } catch (thrown) {
      failed = true
      terminal.failed(messageOf(thrown))
    }
  }
  if (!failed) terminal.done('the demo has removed everything that it created')
}

function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A second signal exits at once. The harness's watchdog removes what is left.
      if (stopping.signal.aborted) process.exit(130)
      stopping.abort(new Error(`stopped by ${signal}`))
    })
  }
  // The reader has gone, as after `make demo | head`.
  process.stdout.on('error', () => stopping.abort(new Error('the output was closed')))
}

async function main(): Promise<number> {
  const [command, ...rest] = process.argv.slice(2)
  try {
    if (command === 'push') {
      await push(rest, terminal)
      return 0
    }
    if (command !== undefined)
      throw new UsageError(`unknown command "${command}"; the only command is: push <version> [--broken]`)
    stopOnSignals()
    await run()
    return 0
  } catch (thrown) {
    if (stopping.signal.aborted) return 130
    terminal.failed(messageOf(thrown))
    if (thrown instanceof UsageError) return 2
    if (operator?.running) terminal.line(`\nThe end of cvmanager's log:\n${await operator.lastLines()}`)
    return 1
  } finally {
    terminal.clearProgress()
    if (cleanups.length > 0) {
      terminal.line()
      await cleanUp()
    }
  }
}

process.exit(await main())
