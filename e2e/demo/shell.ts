import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { toolPath } from '../harness/tools.ts'
import type { Terminal } from './terminal.ts'

export const checkout = join(import.meta.dirname, '..', '..')

/** The folders in front of PATH: kubectl of the test bed, cvmanager and Node 24 of this checkout. */
export const programFolders = (): readonly string[] => [
  join(checkout, 'bin'),
  join(checkout, 'node_modules', '.bin'),
  dirname(toolPath('kubectl')),
]

/** Runs commands in a shell. */
export class Shell {
  readonly #terminal: Terminal
  readonly #environment: NodeJS.ProcessEnv

  /** @param environment KUBECONFIG and other variables for the commands */
  constructor(terminal: Terminal, environment: Readonly<Record<string, string>>) {
    this.#terminal = terminal
    const path = [...programFolders(), process.env.PATH ?? ''].join(':')
    this.#environment = { ...process.env, ...environment, PATH: path }
  }

  /** Prints the command, runs exactly that, and prints its output. @throws Error if it fails */
  async show(command: string): Promise<string> {
    this.#terminal.command(command)
    const { status, output, errors } = await this.#run(command)
    this.#terminal.line((output + errors).trimEnd())
    if (status !== 0) throw new Error(`"${command}" ended with status ${status}`)
    return output
  }

  /** Runs the command without showing it. @throws Error if it fails */
  async run(command: string): Promise<string> {
    const { status, output, errors } = await this.#run(command)
    if (status !== 0) throw new Error(`"${command}" ended with status ${status}: ${errors.trim()}`)
    return output
  }

  async succeeds(command: string): Promise<boolean> {
    return (await this.#run(command)).status === 0
  }

  async #run(command: string): Promise<{ status: number | null; output: string; errors: string }> {
    // Has its own process group, because Ctrl-C is for the demo, which then cleans up.
    const child = spawn('/bin/sh', ['-c', command], {
      cwd: checkout,
      env: this.#environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    const [status, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    return { status, output, errors }
  }
}
