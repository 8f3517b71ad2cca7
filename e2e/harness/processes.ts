import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { forgetGroup, watchGroup } from './watchdog.ts'

export interface Program {
  /** The name in messages, for example `kube-apiserver`. */
  readonly name: string
  readonly path: string
  readonly args: readonly string[]
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly directory: string
  /** Standard output and standard error are appended to this file. */
  readonly logFile: string
}

const LAST_LINES = 15

/**
 * A program in its own process group. The watchdog ends the whole group when this process ends, however it ends
 * (watchdog.ts).
 */
export class RunningProgram {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<void>
  readonly #program: Program
  readonly #child: ChildProcess
  #outcome: string | undefined

  constructor(program: Program) {
    this.#program = program
    this.name = program.name
    const log = openSync(program.logFile, 'a')
    try {
      this.#child = spawn(program.path, program.args, {
        cwd: program.directory,
        env: { ...process.env, ...program.env },
        detached: true,
        stdio: ['ignore', log, log],
      })
    } finally {
      closeSync(log)
    }
    this.pid = this.#child.pid ?? 0
    if (this.pid > 0) watchGroup(this.pid)
    this.#child.unref()
    this.exited = new Promise((resolve) => {
      const settle = (outcome: string) => {
        this.#outcome ??= outcome
        if (this.pid > 0) {
          killGroup(this.pid, 'SIGKILL')
          forgetGroup(this.pid)
        }
        resolve()
      }
      this.#child.once('error', (error) => settle(`could not be started: ${error.message}`))
      this.#child.once('exit', (code, signal) => settle(signal ? `ended by ${signal}` : `ended with status ${code}`))
    })
  }

  get running(): boolean {
    return this.#outcome === undefined
  }

  /** How it ended, such as `ended with status 0`. Undefined while it runs. */
  get outcome(): string | undefined {
    return this.#outcome
  }

  /** @throws Error with the end of its log if the program has ended, so that nobody waits for it in vain */
  async assertRunning(): Promise<void> {
    if (this.running) return
    throw new Error(`${this.name} ${this.#outcome}. The end of its log:\n${await this.lastLines()}`)
  }

  async log(): Promise<string> {
    return readFile(this.#program.logFile, 'utf8')
  }

  async lastLines(count = LAST_LINES): Promise<string> {
    return (await this.log()).trimEnd().split('\n').slice(-count).join('\n')
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal)
  }

  /** Sends the signal and waits until the program has ended. Kills it after the grace time. */
  async stop(signal: NodeJS.Signals = 'SIGKILL', graceMs = 10_000): Promise<void> {
    if (!this.running) return
    // Keeps this process alive while it waits for the program to end.
    this.#child.ref()
    this.#child.kill(signal)
    const killTimer = setTimeout(() => killGroup(this.pid, 'SIGKILL'), graceMs)
    await this.exited
    clearTimeout(killTimer)
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group has no processes left.
  }
}
