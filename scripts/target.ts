import { messageOf } from '../operator/errors.ts'

/** Does the work of a target of the Makefile. What goes wrong is one line, and exit status 1. */
export function target(name: string, work: () => void): void {
  try {
    work()
  } catch (thrown) {
    process.stderr.write(`make ${name}: ${messageOf(thrown)}\n`)
    process.exitCode = 1
  }
}
