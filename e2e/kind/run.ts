/**
 * `make e2e-kind`: the image, the chart and rollouts on a real cluster of kind. Starts an engine of its own where none answers.
 * KIND_IMAGE, BUILD_IMAGE and RUNTIME_IMAGE name images that need not be made here.
 */
import { join } from 'node:path'
import { missingOnMachine } from './machine.ts'

const missing = await missingOnMachine()
if (missing.length > 0) {
  process.stderr.write('make e2e-kind: this machine cannot run it:\n')
  for (const line of missing) process.stderr.write(`  ${line}\n`)
  process.exit(1)
}
// On its own, because tap gives each test file a time limit, and the first run makes programs and images.
const suite = join(import.meta.dirname, 'suite.ts')
// It takes the place of this process, so that it gets the signals.
process.execve?.(process.execPath, [process.execPath, suite], { ...process.env, TAP_TIMEOUT: '3600' })
