/** Keys in the order of their due times: a binary heap that knows where each key is. */
interface Entry {
  readonly key: string
  readonly dueMs: number
}

export class DueTimes {
  readonly #heap: Entry[] = []
  readonly #places = new Map<string, number>()

  get size(): number {
    return this.#heap.length
  }

  first(): Entry | undefined {
    return this.#heap[0]
  }

  /** Keeps the earlier one where the key has a time already. */
  setIfEarlier(key: string, dueMs: number): void {
    const place = this.#places.get(key) ?? this.#heap.length
    const known = this.#heap[place]
    if (known && known.dueMs <= dueMs) return
    this.#put(place, { key, dueMs })
    this.#rise(place)
  }

  delete(key: string): void {
    const place = this.#places.get(key)
    const last = this.#heap.pop()
    if (place === undefined || last === undefined) {
      if (last) this.#heap.push(last)
      return
    }
    this.#places.delete(key)
    if (last.key === key) return
    this.#put(place, last)
    this.#rise(place)
    this.#sink(this.#places.get(last.key) ?? place)
  }

  clear(): void {
    this.#heap.length = 0
    this.#places.clear()
  }

  #put(place: number, entry: Entry): void {
    this.#heap[place] = entry
    this.#places.set(entry.key, place)
  }

  #rise(from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#swapIfLater(parent, place)) return
      place = parent
    }
  }

  #sink(from: number): void {
    let place = from
    for (;;) {
      const left = 2 * place + 1
      const right = left + 1
      const child = this.#dueAt(right) < this.#dueAt(left) ? right : left
      if (!this.#swapIfLater(place, child)) return
      place = child
    }
  }

  #dueAt(place: number): number {
    return this.#heap[place]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  #swapIfLater(upper: number, lower: number): boolean {
    const above = this.#heap[upper]
    const below = this.#heap[lower]
    if (!above || !below || above.dueMs <= below.dueMs) return false
    this.#put(upper, below)
    this.#put(lower, above)
    return true
  }
}
