import { setImmediate } from 'node:timers/promises'

/** How long a slice may block other work. */
const maxSliceMs = 10
/** Of the processor's time: many times what a usual pattern takes, and far less than what an ambiguous one could. */
const maxMs = 500
const maxMsPerTag = 0.5

/**
 * Work on many tags, in slices between which other work goes on. It ends where a pattern takes too long: linear time is
 * still minutes for a pattern that follows a hundred ways through each of 20,000 tags.
 */
export class Slices {
  readonly #tooLong: (() => Error) | undefined
  #tags = 0
  #usedMs = 0
  #since = performance.now()
  #processorSince = processorMs()

  /** @param tooLong the error where the work takes too long; undefined: it takes as long as it takes */
  constructor(tooLong?: () => Error) {
    this.#tooLong = tooLong
  }

  /** To be called after each tag. @returns whether the slice should end now */
  counts(): boolean {
    this.#tags++
    return performance.now() - this.#since >= maxSliceMs
  }

  /** @throws what the constructor was given */
  async next(): Promise<void> {
    this.#usedMs += processorMs() - this.#processorSince
    if (this.#tooLong && this.#usedMs > maxMs + maxMsPerTag * this.#tags) throw this.#tooLong()
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
