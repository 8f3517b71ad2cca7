/**
 * Polls each target once an interval, however many follow it, and calls back by key when there is something new. If
 * nothing has changed, nothing else happens.
 */

import type { HostQueues } from '../../registries/transport/host-queues.ts'
import { type BackoffLimits, backoffMs } from '../../time/backoff.ts'
import type { Clock } from '../../time/clock.ts'
import { type Alarm, monotonicClock, systemAlarm } from '../../time/timing.ts'
import type { PushHint } from '../push/hint.ts'
import type { Offer, Target, TargetPoller } from '../target.ts'
import { type PollDeps, poll } from './poll.ts'
import { PollRequests } from './poll-requests.ts'
import type { PollOutcome, PollResult } from './poll-result.ts'
import {
  type Follower,
  identityOf,
  intervalMsOf,
  PolledTarget,
  type PollKind,
  pollKindOf,
  type View,
  viewIdentity,
} from './polled-target.ts'
import { advance, beatOf, stepMsOf, viewsDue } from './regular-polls.ts'
import { Schedule } from './schedule.ts'
import { TargetsByRepository } from './targets-by-repository.ts'

/** After a pause, polls come back over this much time instead of all at once. */
const returnOverMs = 5_000
/** After a hint that announced nothing, the next hint for the target waits this long. */
const hintGapMs = 1_000
const maxBackoffMs = 300_000

/** One poll that has ended. */
export interface Polled {
  readonly target: Pick<PolledTarget, 'kind' | 'repository'>
  readonly views: readonly Pick<View, 'selector' | 'offer'>[]
  readonly outcome: PollOutcome
  /** How long after its due time it began. */
  readonly lateMs: number
  readonly durationMs: number
}

export interface PollerOptions extends PollDeps {
  /** Those of the transport, which the requests of the polls go through as well. */
  readonly queues: HostQueues
  /** Called after the offer of `key` has changed. It must not throw and must not wait. */
  readonly onChange: (key: string) => void
  /** Called after every poll. */
  readonly onPoll?: (polled: Polled) => void
  /** Called for every poll that begins more than its interval late, since the host's polls do not fit into it. */
  readonly onMissed?: (host: string) => void
  readonly clock?: Clock
  readonly alarm?: Alarm
  /** Between 0 and 1, for drift and jitter. */
  readonly random?: () => number
}

export class Poller implements TargetPoller {
  readonly #options: PollerOptions
  readonly #clock: Clock
  readonly #random: () => number
  readonly #followers = new Map<string, Follower>()
  readonly #targets = new Map<string, PolledTarget>()
  readonly #byRepository = new TargetsByRepository()
  readonly #requests = new PollRequests()
  readonly #schedule: Schedule<PolledTarget>
  readonly #running = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #polls = {
    begin: (target: PolledTarget) => this.#begin(target),
    putOff: (target: PolledTarget, pauseMs: number) => this.#putOff(target, pauseMs),
  }

  constructor(options: PollerOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#random = options.random ?? Math.random
    const alarm = options.alarm ?? systemAlarm
    this.#schedule = new Schedule(this.#clock, alarm, (target, now) => this.#enqueue(target, now))
  }

  follow(key: string, target: Target): void {
    if (this.#stopping.signal.aborted) return
    const before = this.#followers.get(key)
    const kind = pollKindOf(target, this.#takesBatches(target))
    const identity = identityOf(target, kind)
    const intervalMs = intervalMsOf(target)
    const sameView = before?.polled.identity === identity && viewIdentity(before.target) === viewIdentity(target)
    const isAsked = this.#requests.isNew(key, target.request, sameView)
    if (before !== undefined && sameView && before.intervalMs === intervalMs && !isAsked) return

    const polled = this.#targets.get(identity) ?? this.#add(identity, kind, target)
    const view = polled.viewOf(target)
    view.keys.add(key)
    view.remembered ??= target.remembered
    this.#followers.set(key, { target, intervalMs, polled, view })
    if (before !== undefined && !sameView) this.#leave(key, before)
    this.#retime(polled)
    if (view.offer.state === 'unknown' && polled.state === 'scheduled') this.#put(polled, this.#clock.now())
    if (!isAsked) return
    this.#requests.ask(key, target.request)
    this.#ask(polled, this.#clock.now())
  }

  unfollow(key: string): void {
    const follower = this.#followers.get(key)
    if (follower === undefined) return
    this.#followers.delete(key)
    this.#requests.forget(key)
    this.#leave(key, follower)
  }

  offer(key: string): Offer {
    return this.#followers.get(key)?.view.offer ?? { state: 'unknown' }
  }

  /** How long ago a poll for `key` has last succeeded, in milliseconds; undefined if none has. */
  sinceAnswer(key: string): number | undefined {
    const answeredMs = this.#followers.get(key)?.view.answeredMs
    return answeredMs === undefined ? undefined : this.#clock.now() - answeredMs
  }

  answeredRequest(key: string): string | undefined {
    return this.#requests.answered(key)
  }

  /**
   * Something may have changed there. Hints that come while a poll is under way cause one more poll together.
   * @returns how many targets are polled
   */
  pollNowAt(hint: PushHint): number {
    if (this.#stopping.signal.aborted) return 0
    const found = this.#byRepository.at(hint)
    const now = this.#clock.now()
    for (const target of found) this.#ask(target, now)
    return found.length
  }

  /** Aborts the polls that are under way, and waits until they have ended. */
  async stop(): Promise<void> {
    this.#schedule.stop()
    this.#stopping.abort(new Error('the poller is stopping'))
    for (const target of this.#targets.values()) target.queue.removeJob(target)
    await Promise.allSettled(this.#running)
  }

  stats() {
    return {
      followers: this.#followers.size,
      targets: this.#targets.size,
      queued: [...this.#targets.values()].filter(({ state }) => state === 'queued').length,
      inFlight: this.#running.size,
    }
  }

  #takesBatches({ repository }: Target): boolean {
    try {
      return this.#options.registryFor(repository).resolveAll !== undefined
    } catch {
      // There is no registry for it. The first poll says why.
      return false
    }
  }

  #add(identity: string, kind: PollKind, target: Target): PolledTarget {
    const queue = this.#options.queues.of(target.repository.host)
    const polled = new PolledTarget({ identity, kind, target, queue, drift: this.#random(), polls: this.#polls })
    this.#targets.set(identity, polled)
    this.#byRepository.add(polled)
    queue.addTargets(1)
    return polled
  }

  #leave(key: string, { polled, view }: Follower): void {
    view.keys.delete(key)
    if (view.keys.size === 0) polled.drop(view)
    if (polled.views.length > 0) {
      this.#retime(polled)
      return
    }
    polled.state = 'dropped'
    this.#targets.delete(polled.identity)
    this.#byRepository.remove(polled)
    this.#schedule.remove(polled)
    polled.queue.removeJob(polled)
    polled.queue.addTargets(-1)
  }

  /** The shortest interval of its followers counts, from now on. */
  #retime(target: PolledTarget): void {
    let intervalMs = Number.POSITIVE_INFINITY
    for (const view of target.views) {
      for (const key of view.keys) intervalMs = Math.min(intervalMs, this.#followers.get(key)?.intervalMs ?? intervalMs)
    }
    if (intervalMs === target.intervalMs) return
    const lastMs = target.next - stepMsOf(target)
    target.intervalMs = intervalMs
    // The first poll is still to come.
    if (target.next < 0) return
    const now = this.#clock.now()
    target.next = Math.max(lastMs + stepMsOf(target), now)
    // What is due already, or backs off after a failure, keeps its time.
    if (target.place >= 0 && target.failures === 0 && target.due > now) this.#put(target, beatOf(target))
  }

  #put(target: PolledTarget, due: number): void {
    target.state = 'scheduled'
    this.#schedule.put(target, due)
  }

  /** A hint or a person wants a poll. */
  #ask(target: PolledTarget, now: number): void {
    target.urgent = target.hinted = true
    if (target.state === 'polling') return
    if (target.quietUntil <= now) this.#enqueue(target, now)
    else if (target.state === 'scheduled') this.#put(target, Math.min(target.due, target.quietUntil))
  }

  #enqueue(target: PolledTarget, now: number): void {
    if (this.#stopping.signal.aborted) return
    this.#schedule.remove(target)
    if (target.state !== 'queued') target.due = Math.min(target.due, now)
    target.state = 'queued'
    target.queue.addJob(target, target.urgent)
  }

  #putOff(target: PolledTarget, pauseMs: number): void {
    this.#put(target, this.#clock.now() + pauseMs + (target.urgent ? 0 : this.#spreadMs(target)))
  }

  #spreadMs({ intervalMs }: PolledTarget): number {
    return this.#random() * Math.min(intervalMs, returnOverMs)
  }

  #begin(target: PolledTarget): void {
    const running: Promise<void> = this.#poll(target).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #poll(target: PolledTarget): Promise<void> {
    const now = this.#clock.now()
    const lateMs = Math.max(now - target.due, 0)
    if (lateMs > target.intervalMs) this.#options.onMissed?.(target.repository.host)
    const views = viewsDue(target, now)
    const { hinted, urgent } = target
    const requests = this.#requests.of(views)
    target.state = 'polling'
    target.urgent = target.hinted = false
    advance(target, now)
    let result: PollResult | undefined
    try {
      result = await poll(target, views, { urgent, signal: this.#stopping.signal }, this.#options)
      const durationMs = this.#clock.now() - now
      for (const view of views) if (view.offer.state === 'known') view.answeredMs = now + durationMs
      this.#options.onPoll?.({ target, views, outcome: result.outcome, lateMs, durationMs })
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error
    } finally {
      const recovered = target.queue.endJob(result?.outcome === 'failed')
      if (recovered) this.#hurry(target.queue)
    }
    if (result === undefined) return
    this.#settle(target, result, hinted)
    const changed = new Set(result.news.flatMap(({ keys }) => [...keys]))
    for (const key of this.#requests.answer(requests, this.#followers)) changed.add(key)
    for (const key of changed) this.#options.onChange(key)
  }

  #settle(target: PolledTarget, { outcome, retryAfterMs }: PollResult, hinted: boolean): void {
    const now = this.#clock.now()
    target.failures = outcome === 'failed' ? target.failures + 1 : 0
    if (retryAfterMs !== undefined) target.queue.pause(target.credential, retryAfterMs)
    if (target.state === 'dropped') return
    if (hinted && outcome === 'unchanged') target.quietUntil = now + hintGapMs
    const isWanted = target.urgent && retryAfterMs === undefined && target.quietUntil <= now
    if (isWanted || (outcome !== 'failed' && target.hasUnanswered)) this.#enqueue(target, now)
    else if (outcome === 'failed') this.#put(target, this.#retryAt(target, now))
    else this.#put(target, target.urgent ? Math.min(beatOf(target), target.quietUntil) : beatOf(target))
  }

  /** The registry was down and answers again: targets that back off are polled now. */
  #hurry(queue: PolledTarget['queue']): void {
    const now = this.#clock.now()
    for (const target of this.#targets.values()) {
      if (target.queue !== queue || target.failures === 0 || target.state !== 'scheduled') continue
      const due = now + this.#spreadMs(target)
      if (target.due > due) this.#put(target, due)
    }
  }

  #retryAt(target: PolledTarget, now: number): number {
    const { failures, intervalMs, queue, credential } = target
    const pausedMs = queue.pausedMs(credential)
    const limits: BackoffLimits = { firstMs: intervalMs, maxMs: Math.max(maxBackoffMs, intervalMs) }
    const delayMs = Math.max(backoffMs(failures, limits, this.#random), intervalMs)
    return now + Math.max(delayMs, pausedMs > 0 ? pausedMs + this.#spreadMs(target) : 0)
  }
}
