import { setImmediate } from 'node:timers/promises'

/** How long a slice may block other work. */
const maxSliceMs = 10
/** Of the processor's time: many times what a usual pattern takes, and far less than what an ambiguous one could. */
const maxMs = 500
const maxMsPerItem = 0.5

/**
 * Work on many items, in slices between which other work goes on. It may end where it takes too long: linear time is still
 * minutes for a pattern that follows a hundred ways through each of 20,000 tags.
 */
export class Slices {
  readonly #tooLong: (() => Error) | undefined
  #items = 0
  #usedMs = 0
  #since = performance.now()
  #processorSince = processorMs()

  /** @param tooLong the error where the work takes too long; undefined: it takes as long as it takes */
  constructor(tooLong?: () => Error) {
    this.#tooLong = tooLong
  }

  /** To be called after each item. @returns whether the slice should end now */
  counts(): boolean {
    this.#items++
    return performance.now() - this.#since >= maxSliceMs
  }

  /** @throws what the constructor was given */
  async next(): Promise<void> {
    this.#usedMs += processorMs() - this.#processorSince
    if (this.#tooLong && this.#usedMs > maxMs + maxMsPerItem * this.#items) throw this.#tooLong()
    await setImmediate()
    this.#since = performance.now()
    this.#processorSince = processorMs()
  }
}

/** Of this thread alone, so that other load on the machine does not count. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
