/** The program: joins the command line with this process's streams and signals. */
import { exit } from './cli/io.ts'
import { runProgram } from './cli/program.ts'
import { stopOnSignals } from './cli/stopping.ts'
import { messageOf } from './errors.ts'
import { redactText } from './log/redact.ts'

// A defect ends the process instead of leaving it half alive (B24); Kubernetes restarts it, and nothing is lost.
process.on('uncaughtException', (thrown) => {
  const debugging = /^(debug|trace)$/.test(process.env.CVMANAGER_LOG_LEVEL ?? '')
  const trace = debugging && thrown instanceof Error ? `\n${thrown.stack}` : ''
  process.stderr.write(redactText(`error: a defect in cvmanager: ${messageOf(thrown)}${trace}\n`))
  process.exit(exit.failure)
})

// `cvmanager cv get | head -1` is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exit.ok : exit.failure)
})

const args = process.argv.slice(2)
// bin/cvmanager says by which name it was called. kubectl runs kubectl_complete-cv to complete `kubectl cv`.
const calledAs = process.env.CVMANAGER_CALLED_AS ?? ''
const isPlugin = /^kubectl(_complete)?-cv$/.test(calledAs)
const words = calledAs === 'kubectl_complete-cv' ? ['complete', '--for-kubectl', '--', ...args] : args

const status = await runProgram(words, {
  program: isPlugin ? 'kubectl cv' : 'cvmanager',
  env: process.env,
  stdin: process.stdin,
  // A terminal may change its size.
  get columns() {
    return process.stdout.columns
  },
  get rows() {
    return process.stdout.rows
  },
  print: (text) => void process.stdout.write(text),
  printError: (text) => void process.stderr.write(text),
  clusterCommands: () => import('./wiring/cluster-commands.ts'),
  tagCommands: () => import('./wiring/tag-commands.ts'),
  namesInCluster: async () => (await import('./wiring/names.ts')).names,
  stopSignal: stopOnSignals,
})
// Without waiting for open connections: keep-alive must not delay a stop (B23).
process.exit(status)
