/** What the poller is made with, and what it tells of itself. */

import type { Repository } from '../../images/reference.ts'
import type { Registry } from '../../registries/registry.ts'
import type { Clock } from '../../time/clock.ts'
import type { Alarm } from '../../time/timing.ts'
import type { Versions } from '../versions/version.ts'
import type { LookOutcome } from './poll.ts'

export interface PollerOptions {
  readonly registryFor: (repository: Repository) => Registry
  readonly versions: Versions
  /** Called after the offer of `key` has changed; must not throw and must not wait. */
  readonly onChange: (key: string) => void
  /** Called when the offer of `key` is likely to change in a moment; must not throw and must not wait. */
  readonly onComing?: (key: string) => void
  /** Told of every look, with how many milliseconds after its due time it began. */
  readonly onLook?: (host: string, outcome: LookOutcome, lateMs: number) => void
  /** Looks at the same time, of each registry. */
  readonly concurrency?: number
  /** How many times less often a tag is polled while push works for it. Default 1: never. */
  readonly pushPollFactor?: number
  readonly clock?: Clock
  readonly alarm?: Alarm
  /** 0 to 1, for phases and jitter. */
  readonly random?: () => number
}

export interface PollerStats {
  readonly followers: number
  readonly targets: number
  readonly queued: number
  readonly inFlight: number
  /** Targets that are polled less often, because push works for them. */
  readonly slowed: number
}
