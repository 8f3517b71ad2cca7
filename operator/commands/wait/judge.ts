import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { shortDigest } from '../../images/digest.ts'
import type { PersonReason } from '../../rollouts/strategies/strategy.ts'
import { failed, healthy, held, superseded, type VersionName, type WaitResult } from './result.ts'

/**
 * What may still pass by itself is not believed before this time: workloads that are applied right after their
 * ContainerVersion, or a tag that CI has just moved and that a cache of the registry does not show yet.
 */
const patienceMs = 20_000

/** A digest, or its beginning: at least 12 digits. */
const digestPattern = /^sha(?:256|512):[0-9a-f]{12,}$/

export const isDigestPrefix = (wanted: string): boolean => digestPattern.test(wanted)

/** The rollout does nothing before a person does something. */
const waitForPerson: Readonly<Record<PersonReason, true>> = { WorkloadPaused: true, PodsToDelete: true }

/**
 * Judges by one ContainerVersion after another what has become of a version. It compares no times of the cluster with
 * those of this machine.
 */
export class Judge {
  readonly #wanted: string | undefined
  /** The rollouts that had ended before. */
  readonly #endedBefore: ReadonlySet<string>
  /** Ours, and those that others have set after it. A poll that answers one of them began after ours. */
  readonly #requests = new Set<string>()
  #cannotAsk = false
  #target: VersionName | undefined
  #wasOnOffer = false
  #freshSinceMs: number | undefined

  /** @param wanted the name of a version, a digest or its beginning; undefined: what the tag says when it is polled */
  constructor({ status }: ContainerVersion, wanted: string | undefined) {
    this.#wanted = wanted
    this.#endedBefore = new Set(status.rollouts?.map(({ id }) => id))
  }

  /** The request is in the object. */
  asked(request: string): void {
    this.#requests.add(request)
  }

  /** Nobody answers: the status is taken as it is. */
  cannotAsk(): void {
    this.#cannotAsk = true
  }

  /** Whether the status is of a poll that began after the request. */
  get isAnswered(): boolean {
    return this.#freshSinceMs !== undefined
  }

  get target(): VersionName | undefined {
    return this.#target
  }

  /**
   * @param now never goes back
   * @returns undefined while it must wait
   */
  judge(object: ContainerVersion, now: number): WaitResult | undefined {
    const { reconcileRequest, status } = object
    if (this.#requests.size > 0) {
      if (reconcileRequest !== undefined) this.#requests.add(reconcileRequest)
      // Somebody has taken it off: nobody is going to answer.
      else this.#cannotAsk = true
    }
    if (this.#cannotAsk || this.#requests.has(status.lastHandledReconcileAt ?? '')) this.#freshSinceMs ??= now
    this.#target = this.#find(status)
    const isLate = this.#freshSinceMs !== undefined && now - this.#freshSinceMs >= patienceMs
    if (this.#target) {
      this.#wasOnOffer ||= status.observed?.digest === this.#target.digest
      const result = this.#about(this.#target, object, isLate)
      if (result) return result
    }
    return isLate && status.phase === 'Stalled' ? this.#stalled(status) : undefined
  }

  #find(status: ContainerVersionStatus): VersionName | undefined {
    const { observed, next, rollout, current, rollouts = [], quarantined = [], lastHealthy = [] } = status
    const wanted = this.#wanted
    // What the tag said at the poll; what it says later is something newer.
    if (wanted === undefined) return this.#target ?? (this.isAnswered && hasPolled(status) ? name(observed) : undefined)
    const known = [observed, next, rollout, current, ...rollouts, ...quarantined, ...lastHealthy]
    if (isDigestPrefix(wanted)) {
      const found = known.find((one) => one?.digest?.startsWith(wanted))
      return name(found) ?? this.#target
    }
    // Before the answer, a name may be that of an earlier image: CI may have built the version anew.
    const fresh = this.isAnswered ? known : [rollout]
    return name(fresh.find((one) => one?.version === wanted)) ?? this.#target
  }

  #about(target: VersionName, { status, generation }: ContainerVersion, isLate: boolean): WaitResult | undefined {
    const { rollout, current, lastHealthy = [], quarantined = [], next, rollouts = [], observed, phase } = status
    const is = (one: { readonly digest?: string } | undefined): boolean => one?.digest === target.digest
    if (is(rollout)) return personAwaited(target, status)

    const ended = rollouts.find(is)
    const isNew = ended !== undefined && !this.#endedBefore.has(ended.id)
    const failure = quarantined.find((entry) => is(entry) && entry.generation === generation)
    if (failure) return failed(target, failure.outcome, failure.message, ended, status)
    if (is(current) && lastHealthy.some(is)) return healthy(target, isNew ? ended : undefined)
    if (isNew && ended.outcome === 'Succeeded') return healthy(target, ended)
    if (next && is(next) && next.heldBy !== 'Rollout') {
      if (ended?.outcome === 'Aborted' && phase === 'Stalled')
        return failed(target, 'Failed', status.message ?? '', undefined, status)
      return phase === 'Pending' || isLate ? held(target, next.heldBy, status) : undefined
    }
    // It goes out next.
    if (is(observed)) return undefined
    if (!isNew && !this.#wasOnOffer && !(ended && isLate)) return undefined
    const outcome = ended?.outcome ?? 'Superseded'
    if (outcome === 'Superseded' || outcome === 'Succeeded') return superseded(target, status)
    return failed(target, outcome === 'RolledBack' ? outcome : 'Failed', '', ended, status)
  }

  /** Only a change by a person helps. */
  #stalled({ message = '' }: ContainerVersionStatus): WaitResult {
    return { result: 'Failed', ...(this.#target ?? { version: this.#wanted }), message }
  }
}

/** Whether the poll has found the version on offer; a rollout in progress hides that it has not. */
const hasPolled = ({ phase, next }: ContainerVersionStatus): boolean =>
  phase !== 'Unavailable' && (phase !== 'Stalled' || next !== undefined)

function personAwaited(target: VersionName, status: ContainerVersionStatus): WaitResult | undefined {
  const reason = status.conditions?.find(({ type }) => type === 'Ready')?.reason
  return reason !== undefined && reason in waitForPerson ? held(target, reason, status) : undefined
}

function name(one: { readonly digest?: string; readonly version: string } | undefined): VersionName | undefined {
  return one?.digest === undefined ? undefined : { version: shortDigest(one.version), digest: one.digest }
}
