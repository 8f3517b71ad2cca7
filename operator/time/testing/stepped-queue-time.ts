/** Test support. */
import { setImmediate as turn } from 'node:timers/promises'
import type { QueueTime } from '../../controller/queue.ts'

/** Time that passes only when the test says so. */
export class SteppedTime implements QueueTime {
  #now = 0
  readonly #calls = new Set<{ readonly atMs: number; readonly call: () => void }>()

  now(): number {
    return this.#now
  }

  after(milliseconds: number, call: () => void): () => void {
    const entry = { atMs: this.#now + milliseconds, call }
    this.#calls.add(entry)
    return () => this.#calls.delete(entry)
  }

  async pass(milliseconds: number): Promise<void> {
    await turn()
    const until = this.#now + milliseconds
    for (;;) {
      const [next] = [...this.#calls].filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs)
      if (!next) break
      this.#calls.delete(next)
      this.#now = next.atMs
      next.call()
      await turn()
    }
    this.#now = until
    await turn()
  }

  get pending(): number {
    return this.#calls.size
  }
}
