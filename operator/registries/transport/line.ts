/** Something that waits for its turn. */
export interface Turn {
  /** The id of the credential that it is for. */
  readonly credential: string
  begin(): void
  /** There is no turn: the registry asked for a pause, which lasts this much longer. */
  refuse(pauseMs: number): void
}

/** First in, first out, with urgent turns before the others. */
export class Line {
  readonly #urgent = new Set<Turn>()
  readonly #normal = new Set<Turn>()
  /** How many have begun and not ended. The owner of the line counts them. */
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

  /** Removes and returns the first turn, if its kind may begin now. */
  take(normalMayBegin: boolean, urgentMayBegin: boolean): Turn | undefined {
    const from = this.#urgent.size > 0 ? this.#urgent : this.#normal
    if (!(from === this.#urgent ? urgentMayBegin : normalMayBegin)) return undefined
    const [first] = from
    if (first !== undefined) from.delete(first)
    return first
  }

  /** Refuses those that have a pause. @param pauseMsOf 0 for those that have none */
  refuse(pauseMsOf: (turn: Turn) => number): void {
    for (const turn of [...this.#urgent, ...this.#normal]) {
      const pauseMs = pauseMsOf(turn)
      if (pauseMs <= 0) continue
      this.remove(turn)
      turn.refuse(pauseMs)
    }
  }
}
