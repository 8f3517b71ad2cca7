import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../operator/errors.ts'
import { tagOf } from '../../operator/images/image.ts'
import type { RunningProgram } from '../harness/processes.ts'
import type { Shop, ShopPod, ShopState } from './shop.ts'
import type { Terminal } from './terminal.ts'

const intervalMs = 100

export interface Watched {
  readonly last: ShopState
  /** All states, in order. */
  readonly seen: readonly ShopState[]
}

/** Watches the application, and prints a line for each change. */
export class Watcher {
  readonly #terminal: Terminal
  readonly #shop: Shop
  readonly #operator: RunningProgram
  readonly #signal: AbortSignal
  #printed = ''

  constructor(terminal: Terminal, shop: Shop, operator: RunningProgram, signal: AbortSignal) {
    this.#terminal = terminal
    this.#shop = shop
    this.#operator = operator
    this.#signal = signal
  }

  /**
   * Watches until the condition holds.
   * @throws Error with the description and the last status
   */
  async watchUntil(what: string, holds: (state: ShopState) => boolean, timeoutMs: number): Promise<Watched> {
    const begun = performance.now()
    const seen: ShopState[] = []
    for (;;) {
      this.#signal.throwIfAborted()
      await this.#operator.assertRunning()
      const state = await this.#shop.read()
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
        this.#print(await this.#shop.read(), performance.now() - begun)
      } catch (thrown) {
        // The user may have deleted something.
        this.#terminal.progress(messageOf(thrown))
      }
      await sleep(intervalMs, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  #print(state: ShopState, elapsedMs: number): void {
    const { phase = 'Pending', message = '' } = state.status
    const row = `${this.#painted(phase).padEnd(12)}  ${groups(state.pods).map(this.#group).join('   ')}`
    const shown = `${row} ${phase === 'RollingOut' ? '' : message}`
    if (shown === this.#printed) return
    this.#printed = shown
    this.#terminal.line(`  ${`${(elapsedMs / 1000).toFixed(1)} s`.padStart(7)}  ${row}`)
  }

  #painted(phase: string): string {
    const padded = phase.padEnd(11)
    if (phase === 'UpToDate') return this.#terminal.paint('green', padded)
    return this.#terminal.paint(/^Roll(ingOut)$|Pending/.test(phase) ? 'yellow' : 'red', padded)
  }

  readonly #group = ([version, pods]: readonly [string, readonly ShopPod[]]): string => {
    const signs = pods.map(({ ready, problem }) => {
      if (ready) return this.#terminal.paint('green', '●')
      return problem ? this.#terminal.paint('red', '✘') : this.#terminal.paint('yellow', '○')
    })
    const problem = pods.find((pod) => pod.problem)?.problem
    return `${version} ${signs.join('')}${problem ? ` ${this.#terminal.paint('red', problem)}` : ''}`
  }
}

/** Groups pods by version, in the order in which the versions appeared. */
function groups(pods: readonly ShopPod[]): readonly (readonly [string, readonly ShopPod[]])[] {
  return [...Map.groupBy(pods, ({ image }) => tagOf(image) ?? image)]
}
