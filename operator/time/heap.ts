/** Something that is due at a time, and knows its own place in the heap so that it can be moved or taken out. */
export interface Due {
  due: number
  /** Kept by the heap; -1 outside of it. */
  place: number
}

/** A binary heap by `due`: the next one at once, every change in logarithmic time. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  /** Puts in, or moves to its new due time. */
  put(item: T, due: number): void {
    item.due = due
    if (item.place < 0) {
      item.place = this.#items.length
      this.#items.push(item)
    }
    this.#sink(this.#rise(item))
  }

  remove(item: T): void {
    const place = item.place
    if (place < 0) return
    item.place = -1
    const last = this.#items.pop()
    if (last === undefined || last === item) return
    this.#set(place, last)
    this.#sink(this.#rise(last))
  }

  popDue(now: number): T | undefined {
    const first = this.#items[0]
    if (first === undefined || first.due > now) return undefined
    this.remove(first)
    return first
  }

  #set(place: number, item: T): void {
    this.#items[place] = item
    item.place = place
  }

  #rise(item: T): T {
    while (item.place > 0) {
      const parent = this.#items[(item.place - 1) >> 1]
      if (parent === undefined || parent.due <= item.due) break
      this.#swap(parent, item)
    }
    return item
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.place + 1]
      const right = this.#items[2 * item.place + 2]
      if (left === undefined) return
      const child = right !== undefined && right.due < left.due ? right : left
      if (child.due >= item.due) return
      this.#swap(item, child)
    }
  }

  #swap(upper: T, lower: T): void {
    const place = upper.place
    this.#set(lower.place, upper)
    this.#set(place, lower)
  }
}
