/** Hints about ECR without an inbound address: EventBridge puts ECR's events into an SQS queue, and this reads them. */
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../log/log.ts'
import { type BackoffLimits, backoffMs, pause } from '../../time/backoff.ts'
import type { Clock } from '../../time/clock.ts'
import { type Alarm, monotonicClock, systemAlarm } from '../../time/timing.ts'
import type { Dispatcher } from './dispatcher.ts'
import { parseEcrEvent } from './ecr-event.ts'
import type { Message, Queue } from './sqs-queue.ts'

/** The name of this source in the metrics. */
export const ecrEvents = 'ecr-events'

export interface EcrEventReaderOptions {
  readonly queue: Queue
  readonly dispatcher: Dispatcher
  /** Called when the queue becomes readable, and when it no longer is. */
  readonly onReadable: (readable: boolean) => void
  readonly log: Pick<Logger, 'info' | 'warn' | 'debug'>
  readonly clock?: Clock
  readonly alarm?: Alarm
}

/**
 * A malformed message stays in the queue, so that a redrive policy with a smaller `maxReceiveCount` moves it to a
 * dead-letter queue. Without a redrive policy it would come back forever; after this many receives it is deleted.
 */
const maxReceives = 5
/** A single failure passes by itself. */
const failuresUntilDown = 2
const pauses: BackoffLimits = { firstMs: 1_000, maxMs: 60_000 }
/** One process reads the queue, so nothing has to be spread out. */
const noJitter = () => 1
/** A long poll takes longer. Without a pause, a queue that returns an empty answer at once would be read all the time. */
const minPollMs = 1_000

export class EcrEventReader {
  readonly #options: Required<EcrEventReaderOptions>
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #failures = 0
  #isReadable: boolean | undefined

  constructor(options: EcrEventReaderOptions) {
    this.#options = { clock: monotonicClock, alarm: systemAlarm, ...options }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Aborts the poll that is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#options.queue.close()
  }

  async #run(): Promise<void> {
    const { queue, clock, alarm } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const startedMs = clock.now()
      try {
        const messages = await queue.receive(signal)
        this.#succeeded()
        const done = messages.filter((message) => this.#take(message))
        // A message that could not be deleted comes back, and causes one more poll.
        if (done.length > 0) await queue.delete(done, signal)
        const wasLongPoll = clock.now() - startedMs >= minPollMs
        if (messages.length === 0 && !wasLongPoll) await pause(minPollMs, signal, alarm)
      } catch (error) {
        if (signal.aborted) return
        this.#failed(error)
        await pause(backoffMs(this.#failures, pauses, noJitter), signal, alarm)
      }
    }
  }

  /** @returns whether the message can be deleted: a hint is worth nothing once it was taken */
  #take({ id, body, receives }: Message): boolean {
    const { dispatcher, log } = this.#options
    const event = parseEcrEvent(body)
    switch (event.is) {
      case 'push': {
        const followed = dispatcher.dispatchOne(ecrEvents, event.hints)
        log.debug({ followed, repository: event.hints[0]?.repository.path }, 'received an ECR event')
        return true
      }
      case 'other':
        dispatcher.count(ecrEvents, 'ignored')
        return true
      case 'malformed': {
        dispatcher.count(ecrEvents, 'malformed')
        if (receives < maxReceives) return false
        log.warn(
          { messageId: id, receives, error: event.fault },
          'a message in the queue of ECR events is malformed; it is deleted',
        )
        return true
      }
    }
  }

  #succeeded(): void {
    const { log, onReadable } = this.#options
    this.#failures = 0
    if (this.#isReadable === true) return
    if (this.#isReadable === false) log.info('the queue of ECR events can be read again')
    this.#isReadable = true
    onReadable(true)
  }

  #failed(error: unknown): void {
    const { dispatcher, log, onReadable } = this.#options
    this.#failures++
    dispatcher.count(ecrEvents, 'unavailable')
    if (this.#failures !== failuresUntilDown) return
    this.#isReadable = false
    onReadable(false)
    // AWS says more in an error's name than in its message.
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : messageOf(error)
    log.warn(
      { error: reason },
      'cannot read the queue of ECR events; until it can be read, new versions are found by polling alone. Check --ecr-events-queue, the credentials and their right to sqs:ReceiveMessage and sqs:DeleteMessage',
    )
  }
}
