/**
 * Shares one read among concurrent callers. A read that began before a call may miss what the caller looks for, so callers
 * that arrive during a read share the next one.
 */
interface Reading<T> {
  readonly current: Promise<T>
  next?: Promise<T>
}

export class SharedReading<T> {
  readonly #readings = new Map<string, Reading<T>>()

  async get(key: string, read: () => Promise<T>): Promise<T> {
    const reading = this.#readings.get(key)
    if (reading === undefined) return await this.#start(key, read)
    reading.next ??= reading.current.catch(() => undefined).then(() => this.#start(key, read))
    return await reading.next
  }

  #start(key: string, read: () => Promise<T>): Promise<T> {
    const reading: Reading<T> = { current: read() }
    this.#readings.set(key, reading)
    const forget = (): void => {
      if (this.#readings.get(key) === reading && reading.next === undefined) this.#readings.delete(key)
    }
    reading.current.then(forget, forget)
    return reading.current
  }
}
