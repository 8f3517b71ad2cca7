/** The command line with fake commands, as a program: `node cli.fixture.ts …`, for tests that need a real process. */
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises'
import { aborted } from 'node:util'
import type { ClusterCommands } from '../commands/commands.ts'
import { runProgram } from './program.ts'
import { stopOnSignals } from './stopping.ts'

const never = () => new Promise<never>(() => undefined)

/** How the controller behaves: FIXTURE=stops, hangs, dies or starts-late. */
const behaviour = process.env.FIXTURE ?? 'stops'

const commands: ClusterCommands = {
  async runOperator(_settings, log, signal) {
    log.info('fixture: started')
    if (behaviour === 'dies') await sleep(20).then(() => Promise.reject(new Error('the watch is dead')))
    await aborted(signal, process)
    if (behaviour === 'starts-late') return
    if (behaviour === 'hangs') await never()
    await sleep(50)
  },
  async sync({ signal, log }) {
    log.info('fixture: follows')
    for await (const _ of every(10)) if (signal.aborted) break
    return { outcome: 'UpToDate', message: 'all workloads run v1' }
  },
  getVersions: async () => [],
  reconcile: never,
  wait: never,
  status: never,
  convertCluster: never,
  move: never,
  configMapData: async () => undefined,
}

// Like an open connection: a stop must not wait until nothing is left to do.
setInterval(() => undefined, 1000)

process.exit(
  await runProgram(process.argv.slice(2), {
    env: process.env,
    stdin: process.stdin,
    print: (text) => void process.stdout.write(text),
    printError: (text) => void process.stderr.write(text),
    clusterCommands: async () => commands,
    tagCommands: never,
    namesInCluster: () => Promise.reject(new Error('no names are asked for')),
    stopSignal: stopOnSignals,
  }),
)
