/** What the poller keeps for each target, and for each ContainerVersion that follows one. */
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { credentialId } from '../../registries/credentials/credential-id.ts'
import type { CredentialSource } from '../../registries/credentials/credential-source.ts'
import type { HostQueue } from '../../registries/transport/host-queue.ts'
import type { Turn } from '../../registries/transport/line.ts'
import type { Due } from '../../time/heap.ts'
import type { TagPolicy } from '../tag-policy.ts'
import type { Offer, TagSelector, Target, Version } from '../target.ts'

/** One poll asks for one tag, for all followed tags of a repository (`batch`), or for a list of all its tags. */
export type PollKind = 'tag' | 'batch' | TagPolicy['needs']

/** What followers with the same tag and versionSyntax, or with the same policy, have in common. */
export interface View {
  readonly selector: TagSelector
  readonly keys: Set<string>
  offer: Offer
  /** What the tag pointed at when it was last polled. */
  digest: Digest | undefined
  /** When a poll has last found what the tag or the policy says, by the poller's clock. */
  answeredMs?: number
  /** Found by an earlier process, for the digest that it names. */
  remembered: Version | undefined
}

export interface Follower {
  readonly target: Target
  readonly intervalMs: number
  readonly polled: PolledTarget
  readonly view: View
}

/** Schema and CRD allow 5 s and more. A value that comes in another way must not spin (B26). */
const minIntervalMs = 1_000
const fallbackIntervalMs = 60_000

export function intervalMsOf({ intervalSeconds }: Target): number {
  const wanted = intervalSeconds * 1000
  return Number.isFinite(wanted) ? Math.max(wanted, minIntervalMs) : fallbackIntervalMs
}

export function pollKindOf({ policy }: Target, takesBatches: boolean): PollKind {
  if (policy !== undefined) return policy.needs
  return takesBatches ? 'batch' : 'tag'
}

/** Equal for targets that share one poll. */
export function identityOf({ repository, tag, credentials }: Target, kind: PollKind): string {
  return `${repositoryName(repository)}${kind === 'tag' ? `:${tag}` : ` ${kind}`} ${credentialId(credentials)}`
}

/** Equal for followers that share one view. */
export const viewIdentity = ({ tag, versionSyntax, policy }: TagSelector): string =>
  policy?.identity ?? `${tag} ${versionSyntax}`

/** The poller, as its targets see it. */
export interface Polls {
  begin(target: PolledTarget): void
  putOff(target: PolledTarget, pauseMs: number): void
}

interface PolledTargetParts {
  readonly identity: string
  readonly kind: PollKind
  readonly target: Target
  readonly queue: HostQueue
  readonly drift: number
  readonly polls: Polls
}

/** What one poll covers: a repository, a credential, and one tag or all followed tags, however many follow them. */
export class PolledTarget implements Due, Turn {
  readonly identity: string
  readonly kind: PollKind
  readonly repository: Repository
  readonly credentials: CredentialSource
  readonly credential: string
  readonly queue: HostQueue
  /** Between 0 and 1: which part of `maxDrift` its polls are early. */
  readonly drift: number
  /** Nearly always one. */
  readonly views: View[] = []
  intervalMs = Number.POSITIVE_INFINITY
  /** When it is next in the schedule: for a regular poll, or earlier. */
  due = 0
  place = -1
  /** The next regular poll; -Infinity before the first one. */
  next = Number.NEGATIVE_INFINITY
  state: 'scheduled' | 'queued' | 'polling' | 'dropped' = 'scheduled'
  /** Somebody waits for a poll. */
  urgent = false
  /** A hint asked for a poll. */
  hinted = false
  /** Hints cause no poll before this time, since the last one announced nothing. */
  quietUntil = 0
  /** Differs for each list of tags. */
  listDigest: Digest | undefined
  /** Failed polls in a row. */
  failures = 0
  readonly #polls: Polls

  constructor({ identity, kind, target: { repository, credentials }, queue, drift, polls }: PolledTargetParts) {
    this.identity = identity
    this.kind = kind
    this.drift = drift
    this.repository = repository
    this.credentials = credentials
    this.credential = credentialId(credentials)
    this.queue = queue
    this.#polls = polls
  }

  begin(): void {
    this.#polls.begin(this)
  }

  refuse(pauseMs: number): void {
    this.#polls.putOff(this, pauseMs)
  }

  /** Somebody follows something that no poll has answered yet. */
  get hasUnanswered(): boolean {
    return this.views.some(({ offer }) => offer.state === 'unknown')
  }

  isAbout(tag: string | undefined): boolean {
    const anyTag = tag === undefined || (this.kind !== 'tag' && this.kind !== 'batch')
    return anyTag || this.views.some(({ selector }) => selector.tag === tag)
  }

  viewOf(selector: TagSelector): View {
    const identity = viewIdentity(selector)
    const known = this.views.find((view) => viewIdentity(view.selector) === identity)
    if (known !== undefined) return known
    const view: View = {
      selector,
      keys: new Set(),
      offer: { state: 'unknown' },
      digest: undefined,
      remembered: undefined,
    }
    this.views.push(view)
    return view
  }

  drop(view: View): void {
    this.views.splice(this.views.indexOf(view), 1)
  }
}
