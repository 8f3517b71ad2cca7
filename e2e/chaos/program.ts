/** cvmanager as the chaos runs it: in this process, so that a thousand runs are cheap, or as the process that ships. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { aborted } from 'node:util'
import { loadSettings } from '../../operator/config/settings.ts'
import { LeaderElection } from '../../operator/kubernetes/lease.ts'
import { createLogger } from '../../operator/log/log.ts'
import { systemClock } from '../../operator/time/clock.ts'
import { connect } from '../../operator/wiring/connection.ts'
import { type Controller, makeController } from '../../operator/wiring/controller.ts'
import { Operator } from '../scenario/operator.ts'

export interface Program {
  /** Names it for the proxy. */
  readonly user: string
  isAtWork(): Promise<boolean>
  /** Ends it at once, and nothing that it has in memory survives. */
  kill(): Promise<void>
  /** As SIGTERM does. Resolves when it has ended. */
  terminate(): Promise<void>
}

export interface ProgramOptions {
  readonly user: string
  readonly kubeconfig: string
  /** For its files. */
  readonly directory: string
  readonly namespace: string
  readonly registry: string
  /** Whether there is another one, so that one of them must lead. */
  readonly isOneOfTwo: boolean
}

export type Level = 'in process' | 'processes'

/** @param cutOff takes nothing more from the program of this name */
export function startProgram(level: Level, options: ProgramOptions, cutOff: (user: string) => void): Promise<Program> {
  return level === 'processes' ? startProcess(options) : startInProcess(options, cutOff)
}

async function startProcess(options: ProgramOptions): Promise<Program> {
  const { user, kubeconfig, directory, namespace, registry, isOneOfTwo } = options
  const election = isOneOfTwo ? ['--lease-namespace', namespace] : ['--no-leader-election']
  const operator = await Operator.start({
    directory,
    name: user,
    kubeconfig,
    insecureRegistries: [registry],
    flags: ['--watch-namespace', namespace, ...election],
  })
  const { program } = operator
  return {
    user,
    isAtWork: async () => program.running && (await program.log()).includes('cvmanager is at work'),
    kill: async () => {
      program.signal('SIGKILL')
      await program.exited
    },
    terminate: () => program.stop('SIGTERM'),
  }
}

/** Of a lease that is held by a process that was killed, the other one does not wait for long. */
const timing = { durationMs: 10_000, renewMs: 2_000, renewDeadlineMs: 8_000, retryMs: 500 }

/** The controller as `cvmanager run` makes it, with everything but the process around it. */
async function startInProcess(options: ProgramOptions, cutOff: (user: string) => void): Promise<Program> {
  const { user, kubeconfig, directory, namespace, registry, isOneOfTwo } = options
  const to = { write: (line: string) => appendFileSync(join(directory, `${user}.log`), line) }
  const log = createLogger({ logLevel: 'info', logFormat: 'json', to })
  const flags = {
    k8sConfig: kubeconfig,
    watchNamespaces: [namespace],
    insecureRegistries: [registry],
    history: true,
    pollIntervalSeconds: '5',
  }
  const settings = loadSettings({ flags })
  const connection = connect(settings)
  const stopping = new AbortController()
  let controller: Controller | undefined
  let isAtWork = false

  const begin = async () => {
    const made = await makeController({ ...connection, settings, identity: user, log, namespaces: [namespace] })
    controller = made
    await made.operator.start()
    isAtWork = controller === made
  }
  const start = () => void begin().catch((error: unknown) => log.warn({ error }, 'the start was interrupted'))
  const end = async () => {
    const ended = controller
    controller = undefined
    isAtWork = false
    await ended?.stop()
  }
  const run = async (): Promise<void> => {
    if (!isOneOfTwo) {
      start()
      await aborted(stopping.signal, stopping)
      return end()
    }
    const lease = { namespace, name: 'cvmanager', identity: user }
    const election = new LeaderElection({ ...lease, client: connection.client, clock: systemClock, log, timing })
    await election.run({ signal: stopping.signal, onStarted: start, onEnded: end })
  }
  const ended = run()
    .catch((error: unknown) => log.error({ error }, 'it ended'))
    .finally(() => connection.client.close())
  const terminate = async () => {
    stopping.abort()
    await Promise.race([ended, sleep(10_000)])
  }
  return {
    user,
    isAtWork: async () => isAtWork,
    kill: async () => {
      // What it still sends reaches nobody.
      cutOff(user)
      isAtWork = false
      void terminate()
    },
    terminate,
  }
}
