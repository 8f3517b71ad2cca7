import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { toolPath } from '../harness/tools.ts'
import type { Terminal } from './terminal.ts'

export const checkout = join(import.meta.dirname, '..', '..')

/** In front of PATH: kubectl of the test bed, cvmanager and Node 24 of this checkout. */
export const programFolders = (): readonly string[] => [
  join(checkout, 'bin'),
  join(checkout, 'node_modules', '.bin'),
  dirname(toolPath('kubectl')),
]

/** What is shown as typed is what is run, to the letter. */
export class Shell {
  readonly #terminal: Terminal
  readonly #environment: NodeJS.ProcessEnv

  /** @param environment KUBECONFIG, and what else the commands are to know */
  constructor(terminal: Terminal, environment: Readonly<Record<string, string>>) {
    this.#terminal = terminal
    const path = [...programFolders(), process.env.PATH ?? ''].join(':')
    this.#environment = { ...process.env, ...environment, PATH: path }
  }

  /** Shows the command, runs it, and shows what it prints. @throws Error where it fails */
  async typed(command: string): Promise<string> {
    this.#terminal.typed(command)
    const { status, output, complaint } = await this.#run(command)
    this.#terminal.line((output + complaint).trimEnd())
    if (status !== 0) throw new Error(`"${command}" ended with status ${status}`)
    return output
  }

  /** Behind the stage. @throws Error where it fails */
  async quietly(command: string): Promise<string> {
    const { status, output, complaint } = await this.#run(command)
    if (status !== 0) throw new Error(`"${command}" ended with status ${status}: ${complaint.trim()}`)
    return output
  }

  async succeeds(command: string): Promise<boolean> {
    return (await this.#run(command)).status === 0
  }

  async #run(command: string): Promise<{ status: number | null; output: string; complaint: string }> {
    // A group of its own: Ctrl-C is for the demo, which then ends what it has begun.
    const child = spawn('/bin/sh', ['-c', command], {
      cwd: checkout,
      env: this.#environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    const [status, output, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    return { status, output, complaint }
  }
}
