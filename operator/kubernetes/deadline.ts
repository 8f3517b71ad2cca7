/**
 * A signal that fires after a time or with the caller's signal, and that leaves no timer and no listener behind.
 * `AbortSignal.any` would keep an entry for each call as long as the caller's signal lives.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController()
  #timer: NodeJS.Timeout
  readonly #outer: AbortSignal | undefined
  readonly #abort = () => this.#controller.abort(this.#outer?.reason)
  #expired = false

  constructor(milliseconds: number, outer: AbortSignal | undefined) {
    this.#outer = outer
    this.#timer = this.#start(milliseconds)
    if (outer?.aborted) this.#abort()
    else outer?.addEventListener('abort', this.#abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether it fired because of the time, and not because of the caller. */
  get expired(): boolean {
    return this.#expired
  }

  /** Replaces the rest of the time. */
  extend(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = this.#start(milliseconds)
  }

  #start(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#expired = true
      this.#controller.abort()
    }, milliseconds)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#abort)
  }
}
