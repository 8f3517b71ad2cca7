import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerVersionStatus } from '../../operator/api/status.ts'
import { messageOf } from '../../operator/errors.ts'
import type { RunningProgram } from '../harness/processes.ts'
import type { Terminal } from './terminal.ts'

const intervalMs = 100

/** An application that the demo watches. */
export interface Watchable<S> {
  read(): Promise<S>
  /** The state in one line. */
  row(state: S, terminal: Terminal): string
}

interface State {
  readonly status: ContainerVersionStatus
}

export interface Watched<S> {
  readonly last: S
  /** All states, in order. */
  readonly seen: readonly S[]
}

/** Watches an application, and prints a line for each change. */
export class Watcher<S extends State> {
  readonly #terminal: Terminal
  readonly #application: Watchable<S>
  readonly #operator: RunningProgram
  readonly #signal: AbortSignal
  #printed = ''

  constructor(terminal: Terminal, application: Watchable<S>, operator: RunningProgram, signal: AbortSignal) {
    this.#terminal = terminal
    this.#application = application
    this.#operator = operator
    this.#signal = signal
  }

  /**
   * Watches until the condition holds.
   * @throws Error with the description and the last status
   */
  async watchUntil(what: string, holds: (state: S) => boolean, timeoutMs: number): Promise<Watched<S>> {
    const begun = performance.now()
    const seen: S[] = []
    for (;;) {
      this.#signal.throwIfAborted()
      await this.#operator.assertRunning()
      const state = await this.#application.read()
      seen.push(state)
      const elapsedMs = performance.now() - begun
      this.#print(state, elapsedMs)
      if (holds(state)) return { last: state, seen }
      if (elapsedMs > timeoutMs) {
        throw new Error(`waited ${timeoutMs / 1000} s for ${what}, and saw: ${JSON.stringify(state.status.message)}`)
      }
      this.#terminal.progress(`${(elapsedMs / 1000).toFixed(1)} s  waiting for ${what}`)
      await sleep(intervalMs)
    }
  }

  /** Watches until the demo is stopped. */
  async watchUntilStopped(): Promise<void> {
    const begun = performance.now()
    while (!this.#signal.aborted) {
      try {
        this.#print(await this.#application.read(), performance.now() - begun)
      } catch (thrown) {
        // The user may have deleted something.
        this.#terminal.progress(messageOf(thrown))
      }
      await sleep(intervalMs, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  #print(state: S, elapsedMs: number): void {
    const { phase = 'Pending', message = '' } = state.status
    const row = `${this.#painted(phase).padEnd(12)}  ${this.#application.row(state, this.#terminal)}`
    const shown = `${row} ${phase === 'RollingOut' ? '' : message}`
    if (shown === this.#printed) return
    this.#printed = shown
    this.#terminal.line(`  ${`${(elapsedMs / 1000).toFixed(1)} s`.padStart(7)}  ${row}`)
  }

  #painted(phase: string): string {
    const padded = phase.padEnd(11)
    if (phase === 'UpToDate') return this.#terminal.paint('green', padded)
    return this.#terminal.paint(/^RollingOut|Pending|Verifying/.test(phase) ? 'yellow' : 'red', padded)
  }
}
