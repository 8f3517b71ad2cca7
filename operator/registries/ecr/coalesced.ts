/** Questions about single items that come at nearly the same time, put as few larger ones. */

export type Answers<V> = ReadonlyMap<string, V>

/** @throws whatever all those who wait are told */
export type AskTogether<G, V> = (group: G, keys: readonly string[], signal: AbortSignal) => Promise<Answers<V>>

interface Waiter<V> {
  readonly key: string
  readonly signal: AbortSignal | undefined
  readonly tell: (value: V | undefined) => void
  readonly fail: (reason: unknown) => void
}

interface Gathering<G, V> {
  readonly group: G
  readonly keys: Set<string>
  readonly waiters: Waiter<V>[]
  readonly timer: NodeJS.Timeout
}

export class Coalesced<G, V> {
  readonly #ask: AskTogether<G, V>
  readonly #most: number
  readonly #waitMs: number
  readonly #gathering = new Map<string, Gathering<G, V>>()

  /**
   * @param most keys of one question
   * @param waitMs how long the first who asks waits for others
   */
  constructor(ask: AskTogether<G, V>, most: number, waitMs: number) {
    this.#ask = ask
    this.#most = most
    this.#waitMs = waitMs
  }

  /**
   * @param id equal for equal groups
   * @returns undefined where the answer has nothing for the key
   */
  get(group: G, id: string, key: string, signal: AbortSignal | undefined): Promise<V | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<V | undefined>()
    if (signal?.aborted) return Promise.reject(signal.reason)
    const gathering = this.#gathering.get(id) ?? this.#begin(group, id)
    const aborted = () => reject(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    gathering.keys.add(key)
    gathering.waiters.push({ key, signal, tell: resolve, fail: reject })
    if (gathering.keys.size === this.#most) this.#put(id, gathering)
    return promise.finally(() => signal?.removeEventListener('abort', aborted))
  }

  #begin(group: G, id: string): Gathering<G, V> {
    const timer = setTimeout(() => this.#put(id, gathering), this.#waitMs)
    const gathering: Gathering<G, V> = { group, keys: new Set(), waiters: [], timer }
    this.#gathering.set(id, gathering)
    return gathering
  }

  #put(id: string, { group, keys, waiters, timer }: Gathering<G, V>): void {
    clearTimeout(timer)
    this.#gathering.delete(id)
    const controller = new AbortController()
    // As long as one of them wants the answer, the question stands.
    const check = () => {
      if (waiters.every(({ signal }) => signal?.aborted)) controller.abort(waiters[0]?.signal?.reason)
    }
    const signals = new Set(waiters.flatMap(({ signal }) => signal ?? []))
    for (const signal of signals) signal.addEventListener('abort', check)
    this.#ask(group, [...keys], controller.signal)
      .then(
        (answers) => {
          for (const { key, tell } of waiters) tell(answers.get(key))
        },
        (error: unknown) => {
          for (const { fail } of waiters) fail(error)
        },
      )
      .finally(() => {
        for (const signal of signals) signal.removeEventListener('abort', check)
      })
  }
}
