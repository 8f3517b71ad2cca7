/** What the poller keeps of each target that it follows, and of each ContainerVersion that follows one. */
import type { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { repositoryName } from '../../images/reference.ts'
import { credentialId } from '../../registries/credentials/credential-id.ts'
import type { Due } from '../../time/heap.ts'
import type { Followable, Offer, Target, Version } from '../following.ts'
import { gatheringOffset, meetingAt, type Rhythm } from './gathering.ts'

export type LookError = NeedsChangeError | TransientError

/** What followers with the same versionSyntax, or the same policy, are told. */
export interface View {
  readonly wanted: Followable
  readonly keys: Set<string>
  offer: Offer
  /** Found by an earlier process, for the digest that it names. */
  remembered?: Version | undefined
}

export interface Follower {
  readonly target: Target
  readonly intervalMs: number
  readonly followed: Followed
  readonly view: View
}

/** Schema and CRD allow 5 s and more; whatever comes in another way must not spin (B26). */
const shortestIntervalMs = 1_000
const fallbackIntervalMs = 60_000
const timerSlackMs = 2
/**
 * Looks fall on whole seconds. A process that wakes up for one look at a time finds its caches cold each time: a thousand
 * looks a minute in bunches cost half of the processor time that they cost one by one (docs/performance.md).
 */
const beatMs = 1_000

export function intervalMsOf(target: Target): number {
  const wanted = target.intervalSeconds * 1000
  return Number.isFinite(wanted) ? Math.max(wanted, shortestIntervalMs) : fallbackIntervalMs
}

/** Equal for targets that share one poll. */
export function identityOf({ repository, tag, policy, credentials }: Target): string {
  const what = policy === undefined ? `:${tag}` : ` all ${policy.needs}`
  return `${repositoryName(repository)}${what} ${credentialId(credentials)}`
}

/** Equal for targets of one poll that are told the same. */
export const viewIdentity = ({ versionSyntax, policy }: Followable): string => policy?.identity ?? versionSyntax ?? ''

export type LookState = 'scheduled' | 'queued' | 'looking' | 'dropped'

/** One (registry, repository, tag or list of tags, credential), however many follow it. */
export class Followed implements Due {
  readonly identity: string
  readonly target: Target
  readonly rhythm: Rhythm
  /** Nearly always one. */
  readonly views: View[] = []
  intervalMs: number
  due = 0
  place = -1
  state: LookState = 'scheduled'
  /** Somebody asked for a look, and waits. */
  urgent = false
  /** What the tag pointed at; of a list of tags, that of its content. */
  digest: Digest | undefined
  /** What a hint has it point at by now: not believed, and forgotten with the next look. */
  expected: Digest | undefined
  /** Looks in a row that failed. */
  failures = 0

  constructor(identity: string, target: Target, rhythm: Rhythm) {
    this.identity = identity
    this.target = target
    this.rhythm = rhythm
    this.intervalMs = intervalMsOf(target)
  }

  get host(): string {
    return this.target.repository.host
  }

  /** The next of its own moments after `now`: late or extra looks do not shift them. */
  nextAfter(now: number, intervalMs = this.intervalMs): number {
    const { phase, gathers } = this.rhythm
    const offset = gathers ? gatheringOffset(phase) : Math.floor((phase * intervalMs) / beatMs) * beatMs
    const into = (((now - offset) % intervalMs) + intervalMs) % intervalMs
    const wait = intervalMs - into
    // A timer that rang a little early has served the moment that is only just to come.
    return now + (wait <= timerSlackMs ? wait + intervalMs : wait)
  }

  /** That time, or one a little later at which others of the repository come, too. */
  meeting(due: number): number {
    const { phase, gathers } = this.rhythm
    return gathers ? meetingAt(due, phase) : due
  }

  view(wanted: Followable): View {
    const identity = viewIdentity(wanted)
    const known = this.views.find((view) => viewIdentity(view.wanted) === identity)
    if (known !== undefined) return known
    const view: View = { wanted, keys: new Set(), offer: { state: 'unknown' } }
    this.views.push(view)
    return view
  }

  drop(view: View): void {
    this.views.splice(this.views.indexOf(view), 1)
  }

  /**
   * Views whose version is not that of the digest, or whose last search failed. A policy without a fitting tag is told so,
   * and waits for the next list.
   */
  stale(): View[] {
    if (this.target.policy !== undefined) return this.views.filter(({ offer }) => offer.state === 'unknown')
    return this.views.filter(({ offer }) => offer.state !== 'known' || offer.version.digest !== this.digest)
  }
}

/** The version that the last successful look found. */
export const lastVersion = (offer: Offer) => (offer.state === 'unknown' ? undefined : offer.version)

/** Whether a person would read anything new in it. */
export function sameOffer(one: Offer, other: Offer): boolean {
  if (one.state === 'failed' && other.state === 'failed') {
    return one.error.reason === other.error.reason && one.error.message === other.error.message
  }
  if (one.state !== 'known' || other.state !== 'known') return one.state === other.state
  const { version } = other
  return (
    one.version.digest === version.digest && one.version.name === version.name && one.version.source === version.source
  )
}
