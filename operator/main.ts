/** The program: this process' streams and signals, joined with the command line. */
import { runProgram } from './cli/program.ts'
import { stopOnSignals } from './cli/stopping.ts'
import { exit } from './cli/world.ts'
import { messageOf } from './errors.ts'

// A defect ends the process instead of leaving it half alive (B24); Kubernetes starts it again, and nothing is lost.
process.on('uncaughtException', (thrown) => {
  const debugging = /^(debug|trace)$/.test(process.env.CVMANAGER_LOG_LEVEL ?? '')
  const trace = debugging && thrown instanceof Error ? `\n${thrown.stack}` : ''
  process.stderr.write(`error: a defect in cvmanager: ${messageOf(thrown)}${trace}\n`)
  process.exit(exit.failure)
})

// `cvmanager cv get | head -1` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exit.ok : exit.failure)
})

const status = await runProgram(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  print: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  commands: () => import('./wiring/wiring.ts'),
  registryCommands: () => import('./wiring/tagging.ts'),
  stopSignal: stopOnSignals,
})
// Not by waiting for what is still open: a connection that is kept alive must not hold up a stop (B23).
process.exit(status)
