/**
 * Whether push works for a tag. It is not guessed from silence or from settings: it is proven for one tag by a hint whose
 * look saw the change that it announced, and disproven by a change that a poll found and no hint had announced. Trust is
 * narrow, for one tag; distrust is wide, for all tags of that registry that the same source had proven.
 */

import { type Alarm, systemAlarm } from '../../time/timing.ts'
import type { Followed } from './followed.ts'

export interface PushTrustOptions {
  /** How many times less often a tag is polled while push works for it; 1: never less often. */
  readonly factor: number
  /** These are polled at their own pace again, from now on. */
  readonly onLost: (targets: readonly Followed[]) => void
  readonly alarm?: Alarm | undefined
}

/** However long the interval and whatever the factor: push never makes it longer than that. */
const slowestMs = 3_600_000
/** A poll may see a change just before its hint arrives. */
const graceMs = 30_000

interface Announced {
  readonly source: string
  /** The look under way began after the hint. */
  answering: boolean
}

export class PushTrust {
  readonly #options: PushTrustOptions
  readonly #alarm: Alarm
  readonly #announced = new Map<Followed, Announced>()
  /** With the source whose hint it was. */
  readonly #proven = new Map<Followed, string>()
  /** Found by a poll; the function calls off the verdict. */
  readonly #unannounced = new Map<Followed, () => void>()
  readonly #deaf = new Set<string>()

  constructor(options: PushTrustOptions) {
    this.#options = options
    this.#alarm = options.alarm ?? systemAlarm
  }

  /** How many targets are polled more slowly. */
  get slowed(): number {
    let slowed = 0
    for (const source of this.#proven.values()) if (!this.#deaf.has(source)) slowed++
    return slowed
  }

  /** The interval that it is to be polled at now. */
  paceMs(followed: Followed): number {
    const source = this.#proven.get(followed)
    if (source === undefined || this.#deaf.has(source)) return followed.intervalMs
    return Math.max(followed.intervalMs, Math.min(followed.intervalMs * this.#options.factor, slowestMs))
  }

  hinted(followed: Followed, source: string): void {
    this.#announced.set(followed, { source, answering: false })
    this.#unannounced.get(followed)?.()
    this.#unannounced.delete(followed)
  }

  begins(followed: Followed): void {
    const announced = this.#announced.get(followed)
    if (announced !== undefined) announced.answering = true
  }

  /** @returns whether a hint had asked for this look, and it saw nothing new */
  saw(followed: Followed, moved: boolean): boolean {
    const announced = this.#announced.get(followed)
    if (!moved) {
      const fruitless = announced?.answering === true
      if (fruitless) this.#announced.delete(followed)
      return fruitless
    }
    if (announced === undefined) this.#doubt(followed)
    else this.#proven.set(followed, announced.source)
    this.#announced.delete(followed)
    return false
  }

  /** Whether a source can hear at all: while it cannot, what it has proven counts for nothing. */
  setHearing(source: string, hearing: boolean): void {
    if (hearing) {
      this.#deaf.delete(source)
    } else if (!this.#deaf.has(source)) {
      this.#deaf.add(source)
      this.#options.onLost(this.#provenBy(source))
    }
  }

  drop(followed: Followed): void {
    this.#announced.delete(followed)
    this.#proven.delete(followed)
    this.#unannounced.get(followed)?.()
    this.#unannounced.delete(followed)
  }

  stop(): void {
    for (const callOff of this.#unannounced.values()) callOff()
    this.#unannounced.clear()
  }

  #doubt(followed: Followed): void {
    const source = this.#proven.get(followed)
    if (source === undefined || this.#deaf.has(source) || this.#unannounced.has(followed)) return
    const verdict = this.#alarm(graceMs, () => {
      this.#unannounced.delete(followed)
      const lost = this.#provenBy(source).filter(({ host }) => host === followed.host)
      for (const each of lost) this.#proven.delete(each)
      this.#options.onLost(lost)
    })
    this.#unannounced.set(followed, verdict)
  }

  #provenBy(source: string): Followed[] {
    return [...this.#proven].filter(([, by]) => by === source).map(([followed]) => followed)
  }
}
