/**
 * A signal that fires when the time is over or when the caller's signal does, and that leaves no timer and no listener
 * behind (`AbortSignal.any` with a long-lived signal would keep an entry for each call).
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

  /** Whether it was the time that ended it, and not the caller. */
  get expired(): boolean {
    return this.#expired
  }

  /** From now on, so many milliseconds more. */
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
