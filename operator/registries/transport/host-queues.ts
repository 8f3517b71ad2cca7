import type { Clock } from '../../time/clock.ts'
import { type Alarm, monotonicClock, systemAlarm } from '../../time/timing.ts'
import { HostQueue, type Limits } from './host-queue.ts'

/** There are few real registries. Hosts that tenants make up are not kept forever. */
const maxIdleHosts = 1_000

/** One queue for each host. */
export class HostQueues {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #onUnfollowed: (host: string) => void
  readonly #queues = new Map<string, HostQueue>()

  /** @param onUnfollowed called for a host when its last target is gone and its requests have ended */
  constructor(
    limits: Limits,
    clock: Clock = monotonicClock,
    alarm: Alarm = systemAlarm,
    onUnfollowed: (host: string) => void = () => undefined,
  ) {
    this.#onUnfollowed = onUnfollowed
    this.#limits = limits
    this.#clock = clock
    this.#alarm = alarm
  }

  of(host: string): HostQueue {
    const known = this.#queues.get(host)
    if (known !== undefined) return known
    if (this.#queues.size >= maxIdleHosts) {
      for (const [name, { idle }] of this.#queues) if (idle) this.#queues.delete(name)
    }
    const queue = new HostQueue(this.#limits, this.#clock, this.#alarm, () => this.#onUnfollowed(host))
    this.#queues.set(host, queue)
    return queue
  }
}
