/** Calls for each item when it is due, with one timer for all of them. */
import type { Clock } from '../../time/clock.ts'
import { type Due, DueHeap } from '../../time/heap.ts'
import type { Alarm } from '../../time/timing.ts'

/** Timers have a resolution of one millisecond. What is due within the next one is done at once. */
const sliceMs = 1

export class Schedule<T extends Due> {
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #onDue: (item: T, now: number) => void
  readonly #heap = new DueHeap<T>()
  #wakeAt = Number.POSITIVE_INFINITY
  #cancelAlarm: () => void = () => undefined
  #stopped = false

  constructor(clock: Clock, alarm: Alarm, onDue: (item: T, now: number) => void) {
    this.#clock = clock
    this.#alarm = alarm
    this.#onDue = onDue
  }

  /** Adds the item, or moves it to its new time. */
  put(item: T, due: number): void {
    this.#heap.put(item, due)
    this.#wake()
  }

  remove(item: T): void {
    this.#heap.remove(item)
  }

  stop(): void {
    this.#stopped = true
    this.#cancelAlarm()
  }

  #wake(): void {
    const due = this.#heap.peek()?.due ?? Number.POSITIVE_INFINITY
    if (due >= this.#wakeAt || this.#stopped) return
    this.#cancelAlarm()
    this.#wakeAt = due
    this.#cancelAlarm = this.#alarm(Math.max(due - this.#clock.now(), sliceMs), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.#ring()
    })
  }

  #ring(): void {
    const now = this.#clock.now()
    for (;;) {
      const item = this.#heap.popDue(now + sliceMs)
      if (item === undefined) break
      this.#onDue(item, now)
    }
    this.#wake()
  }
}
