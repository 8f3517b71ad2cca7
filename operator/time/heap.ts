/** Something that is due at a time. It knows its place in the heap, so that the heap can move or remove it. */
export interface Due {
  due: number
  /** Set by the heap; -1 while it is in no heap. */
  place: number
}

/** A binary heap by `due`: finds the earliest at once, and takes logarithmic time for each change. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  /** Adds the item, or moves it to its new due time. */
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

  /** Removes and returns the earliest item, if it is due by now. */
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
