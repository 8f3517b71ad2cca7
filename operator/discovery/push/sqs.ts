/** ECR's pushes without an inbound address: EventBridge puts its events into an SQS queue, and this reads them from there. */

import { messageOf } from '../../errors.ts'
import type { Logger } from '../../log/log.ts'
import type { Clock } from '../../time/clock.ts'
import { type Alarm, monotonicClock, systemAlarm } from '../../time/timing.ts'
import type { Dispatcher } from './dispatcher.ts'
import { parseEcrEvent } from './ecr-event.ts'
import type { Message, Queue } from './queue.ts'

/** The name of this source in metrics, and for the poller. */
export const ecrEvents = 'ecr-events'

export interface QueueReaderOptions {
  readonly queue: Queue
  readonly dispatcher: Dispatcher
  /** Told whether events can arrive at present. */
  readonly onHearing: (source: string, hearing: boolean) => void
  readonly log: Pick<Logger, 'info' | 'warn' | 'debug'>
  readonly clock?: Clock
  readonly alarm?: Alarm
}

/**
 * A message that cannot be read is left in the queue, where a redrive policy with a smaller `maxReceiveCount` sets it
 * aside in a dead-letter queue; without such a policy it would come back for ever, and is deleted after so many receives.
 */
const mostReceives = 5
/** One failure passes by itself; from the second one on nothing is heard. */
const failuresUntilDeaf = 2
const firstPauseMs = 1_000
const longestPauseMs = 60_000
/** An empty answer that came at once was no long poll; without a pause it would be asked for all the time. */
const shortestPollMs = 1_000

export class QueueReader {
  readonly #options: QueueReaderOptions
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #failures = 0
  #hearing: boolean | undefined

  constructor(options: QueueReaderOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#alarm = options.alarm ?? systemAlarm
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Calls off the poll that is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#options.queue.close()
  }

  async #run(): Promise<void> {
    const { queue } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const began = this.#clock.now()
      try {
        const messages = await queue.receive(signal)
        this.#hears()
        const done = messages.filter((message) => this.#take(message))
        // What could not be deleted comes back, and costs one look more.
        if (done.length > 0) await queue.delete(done, signal)
        if (messages.length === 0 && this.#clock.now() - began < shortestPollMs) await this.#pause(shortestPollMs)
      } catch (error) {
        if (signal.aborted) return
        await this.#pause(this.#failed(error))
      }
    }
  }

  /** @returns whether it is done with and can be deleted: a hint that was taken is worth nothing any more */
  #take({ id, body, receives }: Message): boolean {
    const { dispatcher, log } = this.#options
    const event = parseEcrEvent(body)
    switch (event.is) {
      case 'push': {
        // One registry by all of its names: one hint, looked for under each of them.
        const followed = dispatcher.takeOne(ecrEvents, event.places)
        log.debug({ followed, repository: event.places[0]?.repository.path }, 'an ECR event was taken')
        return true
      }
      case 'other':
        dispatcher.count(ecrEvents, 'ignored')
        return true
      case 'malformed': {
        dispatcher.count(ecrEvents, 'malformed')
        const last = receives >= mostReceives
        if (last)
          log.warn(
            { messageId: id, receives, fault: event.fault },
            'a message in the queue of ECR events is none; it is deleted',
          )
        return last
      }
    }
  }

  #hears(): void {
    const { log, onHearing } = this.#options
    this.#failures = 0
    if (this.#hearing === true) return
    if (this.#hearing === false) log.info('the queue of ECR events is read again')
    this.#hearing = true
    onHearing(ecrEvents, true)
  }

  /** @returns how long to wait */
  #failed(error: unknown): number {
    const { dispatcher, log, onHearing } = this.#options
    this.#failures++
    dispatcher.count(ecrEvents, 'unavailable')
    const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(this.#failures - 1, 10), longestPauseMs)
    if (this.#failures === failuresUntilDeaf) {
      this.#hearing = false
      onHearing(ecrEvents, false)
      log.warn(
        { error: nameOf(error) },
        'the queue of ECR events cannot be read; tags are polled at their own pace until it can. Check --ecr-events-queue, the credentials and their right to sqs:ReceiveMessage and sqs:DeleteMessage',
      )
    }
    return pauseMs
  }

  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const callOff = this.#alarm(milliseconds, resolve)
    const abort = (): void => resolve()
    signal.addEventListener('abort', abort, { once: true })
    await promise
    signal.removeEventListener('abort', abort)
    callOff()
  }
}

/** AWS says more by the name of an error than by its message. */
const nameOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : messageOf(error)
