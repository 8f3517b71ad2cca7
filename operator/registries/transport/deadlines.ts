/**
 * Ends what takes too long. Each wait has the same length, so the oldest is always the next to end, and one timer serves
 * all of them.
 */
export class Deadlines {
  readonly ms: number
  /** What to call, and when; in the order of the deadlines. */
  readonly #ends = new Map<() => void, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.ms = ms
  }

  add(end: () => void): void {
    this.#ends.set(end, performance.now() + this.ms)
    this.#timer ??= this.#ringIn(this.ms)
  }

  delete(end: () => void): void {
    this.#ends.delete(end)
  }

  #ring(): void {
    this.#timer = undefined
    for (const [end, at] of this.#ends) {
      const leftMs = at - performance.now()
      if (leftMs > 0) {
        this.#timer ??= this.#ringIn(leftMs)
        return
      }
      this.#ends.delete(end)
      end()
    }
  }

  /** The sockets, and not the timer, keep a process alive. */
  #ringIn(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#ring(), Math.ceil(delayMs)).unref()
  }
}
