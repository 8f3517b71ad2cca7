import type { HostQueues } from '../../registries/transport/host-queues.ts'
import type { Clock } from '../../time/clock.ts'
import type { Alarm } from '../../time/timing.ts'
import type { PollDeps } from './poll.ts'
import type { PollOutcome } from './poll-result.ts'

export interface PollerOptions extends PollDeps {
  /** Those of the transport, which the requests of the polls go through as well. */
  readonly queues: HostQueues
  /** Called after the offer of `key` has changed. It must not throw and must not wait. */
  readonly onChange: (key: string) => void
  /** Called for every poll, with how many milliseconds after its due time it began. */
  readonly onPoll?: (host: string, outcome: PollOutcome, lateMs: number) => void
  readonly clock?: Clock
  readonly alarm?: Alarm
  /** Between 0 and 1, for drift and jitter. */
  readonly random?: () => number
}

export interface PollerStats {
  readonly followers: number
  readonly targets: number
  readonly queued: number
  readonly inFlight: number
}
