/**
 * Follows tags: each distinct target is looked at once an interval, however many follow it, at its own moment of the
 * interval, and whoever follows it is told by key when there is something new. Unchanged: nothing else happens.
 */
import { setMaxListeners } from 'node:events'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock, systemAlarm } from '../../time/timing.ts'
import type { Following, Offer, Target } from '../following.ts'
import { backOffMs } from './back-off.ts'
import { Claims } from './claims.ts'
import { Followed, type Follower, identityOf, intervalMsOf, viewIdentity } from './followed.ts'
import { rhythmOf } from './gathering.ts'
import { HintLimit } from './hint-limit.ts'
import { type Lane, Lanes } from './host-queue.ts'
import { type Place, Places } from './places.ts'
import { type LookResult, look } from './poll.ts'
import type { PollerOptions, PollerStats } from './poller-options.ts'
import { PushTrust } from './push-trust.ts'
import { Agenda } from './schedule.ts'

/** After a pause, looks come back over this much time instead of all at once. */
const returnOverMs = 5_000
/** So many failures in a row are the registry's, and not those of one repository among others. */
const failuresOfAway = 3

export class Poller implements Following {
  readonly #options: PollerOptions
  readonly #clock: Clock
  readonly #random: () => number
  readonly #followers = new Map<string, Follower>()
  readonly #followed = new Map<string, Followed>()
  readonly #places = new Places()
  readonly #claims = new Claims()
  readonly #agenda: Agenda<Followed>
  readonly #trust: PushTrust
  readonly #hintLimit = new HintLimit()
  readonly #lanes: Lanes
  readonly #looks = new Set<Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(options: PollerOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#random = options.random ?? Math.random
    this.#lanes = new Lanes(options.concurrency)
    const alarm = options.alarm ?? systemAlarm
    this.#agenda = new Agenda(this.#clock, alarm, (followed, now) => this.#enqueue(followed, now))
    const onLost = (lost: readonly Followed[]) => {
      for (const each of lost) this.#repace(each)
    }
    this.#trust = new PushTrust({ factor: options.pushPollFactor ?? 1, onLost, alarm })
    setMaxListeners(0, this.#stopping.signal)
  }

  follow(key: string, target: Target): void {
    if (this.#stopping.signal.aborted) return
    const before = this.#followers.get(key)
    const identity = identityOf(target)
    const intervalMs = intervalMsOf(target)
    const sameView = before?.followed.identity === identity && viewIdentity(before.target) === viewIdentity(target)
    if (before !== undefined && sameView && before.intervalMs === intervalMs) return

    const followed = this.#followed.get(identity) ?? this.#begin(identity, target)
    const view = followed.view(target)
    view.keys.add(key)
    view.remembered ??= target.remembered
    this.#followers.set(key, { target, intervalMs, followed, view })
    if (before !== undefined && !sameView) this.#leave(key, before)
    this.#retime(followed)
    // Another syntax for a digest that is known already: its version is not.
    if (view.offer.state === 'unknown' && followed.state === 'scheduled') this.#schedule(followed, this.#clock.now())
  }

  unfollow(key: string): void {
    const follower = this.#followers.get(key)
    if (follower === undefined) return
    this.#followers.delete(key)
    this.#leave(key, follower)
  }

  offer(key: string): Offer {
    return this.#followers.get(key)?.view.offer ?? { state: 'unknown' }
  }

  lookNow(key: string): void {
    const followed = this.#followers.get(key)?.followed
    if (followed === undefined || this.#stopping.signal.aborted) return
    followed.urgent = true
    if (followed.state === 'looking') return
    this.#agenda.remove(followed)
    this.#enqueue(followed, this.#clock.now())
  }

  /**
   * A hint that something may have changed there: what is followed of it is looked at, once for all hints that come while
   * a look is under way.
   * @param source who gave the hint, as `setHearing` names it
   * @returns how many targets that is
   */
  lookNowAt(place: Place, source: string): number {
    if (this.#stopping.signal.aborted) return 0
    const found = this.#places.at(place)
    const now = this.#clock.now()
    this.#noteClaim(place, found)
    for (const followed of found) {
      this.#trust.hinted(followed, source)
      followed.urgent = true
      if (followed.state === 'looking') continue
      const from = this.#hintLimit.lookFrom(followed)
      if (from > now) {
        if (followed.state === 'scheduled' && followed.due > from) this.#schedule(followed, from)
        continue
      }
      this.#agenda.remove(followed)
      this.#enqueue(followed, now)
    }
    return found.length
  }

  /** Whether hints of that source can arrive at present; where they cannot, polling is back at its own pace. */
  setHearing(source: string, hearing: boolean): void {
    this.#trust.setHearing(source, hearing)
  }

  /** Calls off whatever is under way, and waits until it has ended. */
  async stop(): Promise<void> {
    this.#agenda.stop()
    this.#trust.stop()
    this.#stopping.abort(new Error('the poller is stopping'))
    await Promise.allSettled(this.#looks)
  }

  stats(): PollerStats {
    const { queued } = this.#lanes
    const { slowed } = this.#trust
    return { followers: this.#followers.size, targets: this.#followed.size, queued, inFlight: this.#looks.size, slowed }
  }

  #noteClaim({ repository, tag, digest }: Place, found: readonly Followed[]): void {
    if (digest === undefined || tag === undefined) return
    for (const followed of found) followed.expected = digest
    if (found.length === 0 && this.#places.has(repository)) this.#claims.note(repository, tag, digest)
  }

  #begin(identity: string, target: Target): Followed {
    const rhythm = rhythmOf(target.repository, this.#options.registryFor, this.#random)
    const followed = new Followed(identity, target, rhythm)
    this.#followed.set(identity, followed)
    this.#places.add(followed)
    return followed
  }

  #leave(key: string, { followed, view }: Follower): void {
    view.keys.delete(key)
    if (view.keys.size === 0) followed.drop(view)
    if (followed.views.length > 0) {
      this.#retime(followed)
      return
    }
    followed.state = 'dropped'
    this.#followed.delete(followed.identity)
    this.#places.remove(followed)
    this.#trust.drop(followed)
    this.#agenda.remove(followed)
    this.#lanes.remove(followed)
  }

  /** The shortest interval of its followers counts, from now on. */
  #retime(followed: Followed): void {
    let shortest = Number.POSITIVE_INFINITY
    for (const view of followed.views) {
      for (const key of view.keys) shortest = Math.min(shortest, this.#followers.get(key)?.intervalMs ?? shortest)
    }
    if (shortest === followed.intervalMs) return
    followed.intervalMs = shortest
    this.#repace(followed)
  }

  #repace(followed: Followed): void {
    // What is due already, or backs off after a failure, keeps its time.
    const now = this.#clock.now()
    if (followed.place < 0 || followed.failures > 0 || followed.due <= now) return
    this.#schedule(followed, followed.nextAfter(now, this.#trust.paceMs(followed)))
  }

  #schedule(followed: Followed, due: number): void {
    followed.state = 'scheduled'
    this.#agenda.put(followed, followed.meeting(due))
  }

  #enqueue(followed: Followed, now: number): void {
    const lane = this.#lanes.of(followed)
    if (now < lane.pausedUntil) {
      this.#schedule(followed, this.#afterPause(followed, lane))
      return
    }
    if (followed.state !== 'queued') followed.due = Math.min(followed.due, now)
    followed.state = 'queued'
    lane.add(followed)
    this.#pump(lane)
  }

  #afterPause(followed: Followed, lane: Lane): number {
    return lane.pausedUntil + (followed.urgent ? 0 : this.#spread(followed))
  }

  /** Those that go into one question come back together. */
  #spread({ rhythm, intervalMs }: Followed): number {
    return rhythm.gathers ? 0 : this.#random() * Math.min(intervalMs, returnOverMs)
  }

  #pump(lane: Lane): void {
    for (let next = lane.take(); next !== undefined; next = lane.take()) {
      lane.inFlight++
      const running: Promise<void> = this.#look(next, lane).finally(() => {
        this.#looks.delete(running)
        lane.inFlight--
        if (!this.#stopping.signal.aborted) this.#pump(lane)
        this.#lanes.release(next.host, lane, this.#clock.now())
      })
      this.#looks.add(running)
    }
  }

  async #look(followed: Followed, lane: Lane): Promise<void> {
    const { registryFor, versions, onLook, onComing } = this.#options
    const { repository } = followed.target
    const lateMs = Math.max(this.#clock.now() - followed.due, 0)
    const request = { signal: this.#stopping.signal, urgent: followed.urgent }
    followed.state = 'looking'
    followed.urgent = false
    this.#trust.begins(followed)
    const before = followed.digest
    let result: LookResult
    try {
      result = await look(followed, request, {
        registryFor,
        versions,
        claimed: (digest) => this.#claims.tagsOf(repository, digest),
        coming: () => {
          for (const view of followed.views) for (const key of view.keys) onComing?.(key)
        },
      })
    } catch (error) {
      // Called off: nobody is told of anything any more.
      if (this.#stopping.signal.aborted) return
      throw error
    }
    onLook?.(followed.host, result.outcome, lateMs)
    this.#settle(followed, lane, result, before !== undefined && followed.digest !== before)
    for (const view of result.news) for (const key of view.keys) this.#options.onChange(key)
  }

  #settle(followed: Followed, lane: Lane, { outcome, retryAfterMs }: LookResult, moved: boolean): void {
    const now = this.#clock.now()
    followed.failures = outcome === 'failed' ? followed.failures + 1 : 0
    if (outcome === 'failed') lane.failures++
    else this.#isBack(lane, followed, now)
    if (retryAfterMs !== undefined) this.#pause(lane, now + retryAfterMs)
    // Nobody may be left who follows it, or it may be followed anew as another.
    if (this.#followed.get(followed.identity) !== followed) return
    const fruitless = (moved || outcome !== 'failed') && this.#trust.saw(followed, moved)
    if (fruitless) this.#hintLimit.fruitless(followed, now)
    const wanted = followed.urgent && retryAfterMs === undefined && this.#hintLimit.lookFrom(followed) <= now
    // A view that came while this look was under way has not been looked for.
    const unseen = outcome !== 'failed' && followed.stale().length > 0
    if (wanted || unseen) this.#enqueue(followed, now)
    else if (outcome === 'failed') this.#schedule(followed, this.#retryAt(followed, lane, now))
    else this.#schedule(followed, this.#nextLook(followed, fruitless, now))
  }

  /** A registry that was away answers again: those that were put off are looked at now, and not when their back-off ends. */
  #isBack(lane: Lane, { host }: Followed, now: number): void {
    const wasAway = lane.failures >= failuresOfAway
    lane.failures = 0
    if (!wasAway) return
    for (const followed of this.#followed.values()) {
      const putOff = followed.host === host && followed.failures > 0 && followed.state === 'scheduled'
      const due = now + this.#spread(followed)
      if (putOff && followed.due > due) this.#schedule(followed, due)
    }
  }

  #nextLook(followed: Followed, fruitless: boolean, now: number): number {
    // A registry may show a change only some time after it has told of it: the next poll is not put off then.
    const next = followed.nextAfter(now, fruitless ? followed.intervalMs : this.#trust.paceMs(followed))
    return followed.urgent ? Math.min(next, this.#hintLimit.lookFrom(followed)) : next
  }

  #retryAt(followed: Followed, lane: Lane, now: number): number {
    const backedOff = now + backOffMs(followed.failures, followed.intervalMs, this.#random)
    return Math.max(backedOff, lane.pausedUntil > now ? this.#afterPause(followed, lane) : now)
  }

  #pause(lane: Lane, until: number): void {
    lane.pausedUntil = Math.max(lane.pausedUntil, until)
    for (const queued of lane.drain()) this.#schedule(queued, this.#afterPause(queued, lane))
  }
}
