/** Something that waits until it may go on. */
export interface Turn {
  begin(): void
  /** It does not get its turn; the registry wants to be left alone for this long. */
  refuse(pauseMs: number): void
}

/** First in, first out; the urgent ones before the others. */
export class Line {
  readonly #urgent = new Set<Turn>()
  readonly #normal = new Set<Turn>()
  /** How many have begun and not ended. The owner counts. */
  inFlight = 0

  get waiting(): number {
    return this.#urgent.size + this.#normal.size
  }

  get idle(): boolean {
    return this.inFlight === 0 && this.waiting === 0
  }

  add(turn: Turn, urgent: boolean): void {
    this.remove(turn)
    if (urgent) this.#urgent.add(turn)
    else this.#normal.add(turn)
  }

  remove(turn: Turn): void {
    this.#urgent.delete(turn)
    this.#normal.delete(turn)
  }

  /** Takes the first one out, if one of its kind may begin now. */
  take(normalMayBegin: boolean, urgentMayBegin: boolean): Turn | undefined {
    const from = this.#urgent.size > 0 ? this.#urgent : this.#normal
    if (!(from === this.#urgent ? urgentMayBegin : normalMayBegin)) return undefined
    const [first] = from
    if (first !== undefined) from.delete(first)
    return first
  }

  /** Empties the line. */
  clear(): Turn[] {
    const turns = [...this.#urgent, ...this.#normal]
    this.#urgent.clear()
    this.#normal.clear()
    return turns
  }
}
