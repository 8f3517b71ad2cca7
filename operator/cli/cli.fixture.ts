/** The command line with a house that is played: `node cli.fixture.ts …`, for tests that need a real process. */
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises'
import type { Commands } from './commands.ts'
import { runProgram } from './program.ts'
import { stopOnSignals } from './stopping.ts'

const never = () => new Promise<never>(() => undefined)

/** How the controller behaves: FIXTURE=stops, hangs, dies or starts-late. */
const behaviour = process.env.FIXTURE ?? 'stops'

const commands: Commands = {
  async startOperator(_settings, log, signal) {
    log.info('fixture: started')
    if (behaviour === 'starts-late')
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))))
    const done = behaviour === 'dies' ? sleep(20).then(() => Promise.reject(new Error('the watch is dead'))) : never()
    return { done, stop: () => (behaviour === 'hangs' ? never() : sleep(50)) }
  },
  async followOne({ signal, log }) {
    log.info('fixture: follows')
    for await (const _ of every(10)) if (signal.aborted) break
    return 'UpToDate'
  },
  currentVersions: async () => [],
  configMapData: async () => undefined,
}

// As an open connection would: a stop must not wait until nothing is left to do.
setInterval(() => undefined, 1000)

process.exit(
  await runProgram(process.argv.slice(2), {
    env: process.env,
    stdin: process.stdin,
    print: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
    commands: async () => commands,
    registryCommands: never,
    stopSignal: stopOnSignals,
  }),
)
