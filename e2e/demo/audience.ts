import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../operator/errors.ts'
import { tagOf } from '../../operator/images/image.ts'
import type { RunningProgram } from '../harness/processes.ts'
import type { Shop, ShopPod, ShopState } from './shop.ts'
import type { Terminal } from './terminal.ts'

const everyMs = 100

export interface Watched {
  readonly last: ShopState
  /** Every state that was seen, in order. */
  readonly seen: readonly ShopState[]
}

/** Watches the application, and says each change of it in a line. */
export class Audience {
  readonly #terminal: Terminal
  readonly #shop: Shop
  readonly #operator: RunningProgram
  readonly #signal: AbortSignal
  #shown = ''

  constructor(terminal: Terminal, shop: Shop, operator: RunningProgram, signal: AbortSignal) {
    this.#terminal = terminal
    this.#shop = shop
    this.#operator = operator
    this.#signal = signal
  }

  /**
   * Watches until it is so, and a moment longer than the last change.
   * @throws Error saying what was waited for and what was seen instead
   */
  async watchUntil(what: string, isSo: (state: ShopState) => boolean, patienceMs: number): Promise<Watched> {
    const begun = performance.now()
    const seen: ShopState[] = []
    for (;;) {
      this.#signal.throwIfAborted()
      await this.#operator.assertRunning()
      const state = await this.#shop.look()
      seen.push(state)
      const elapsedMs = performance.now() - begun
      this.#show(state, elapsedMs)
      if (isSo(state)) return { last: state, seen }
      if (elapsedMs > patienceMs) {
        throw new Error(`waited ${patienceMs / 1000} s for ${what}, and saw: ${JSON.stringify(state.status.message)}`)
      }
      this.#terminal.waiting(`${(elapsedMs / 1000).toFixed(1)} s  waiting for ${what}`)
      await sleep(everyMs)
    }
  }

  /** Watches for as long as the demo stays. */
  async watchOn(): Promise<void> {
    const begun = performance.now()
    while (!this.#signal.aborted) {
      try {
        this.#show(await this.#shop.look(), performance.now() - begun)
      } catch (thrown) {
        // The audience may have deleted something: it plays.
        this.#terminal.waiting(messageOf(thrown))
      }
      await sleep(everyMs, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  #show(state: ShopState, elapsedMs: number): void {
    const { phase = 'Pending', message = '' } = state.status
    const row = `${this.#painted(phase).padEnd(12)}  ${groups(state.pods).map(this.#group).join('   ')}`
    const shown = `${row} ${phase === 'RollingOut' ? '' : message}`
    if (shown === this.#shown) return
    this.#shown = shown
    this.#terminal.line(`  ${`${(elapsedMs / 1000).toFixed(1)} s`.padStart(7)}  ${row}`)
  }

  #painted(phase: string): string {
    const padded = phase.padEnd(11)
    if (phase === 'UpToDate') return this.#terminal.paint('green', padded)
    return this.#terminal.paint(/^Roll(ingOut)$|Pending/.test(phase) ? 'yellow' : 'red', padded)
  }

  readonly #group = ([version, pods]: readonly [string, readonly ShopPod[]]): string => {
    const signs = pods.map(({ ready, trouble }) => {
      if (ready) return this.#terminal.paint('green', '●')
      return trouble ? this.#terminal.paint('red', '✘') : this.#terminal.paint('yellow', '○')
    })
    const trouble = pods.find((pod) => pod.trouble)?.trouble
    return `${version} ${signs.join('')}${trouble ? ` ${this.#terminal.paint('red', trouble)}` : ''}`
  }
}

/** Pods by version, in the order in which the versions came. */
function groups(pods: readonly ShopPod[]): readonly (readonly [string, readonly ShopPod[]])[] {
  return [...Map.groupBy(pods, ({ image }) => tagOf(image) ?? image)]
}
