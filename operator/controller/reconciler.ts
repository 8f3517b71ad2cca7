import type { ContainerVersion } from '../api/container-version.ts'
import { tagSelectorOf } from '../discovery/tag-selector.ts'
import type { Offer, TargetPoller, Version } from '../discovery/target.ts'
import { NeedsChangeError, TransientError } from '../errors.ts'
import type { Digest } from '../images/digest.ts'
import { parseReference } from '../images/reference.ts'
import { isConflict } from '../kubernetes/api-error.ts'
import type { Store } from '../kubernetes/store.ts'
import type { TargetCredentials } from '../registries/credentials/pull-secrets.ts'
import { act } from '../rollouts/act/act.ts'
import { ImagesRewrittenError } from '../rollouts/act/changes.ts'
import type { Effects } from '../rollouts/act/effects.ts'
import type { Observation } from '../rollouts/observe/observation.ts'
import type { Observer } from '../rollouts/observe/observe.ts'
import type { SelectorIndex } from '../rollouts/observe/selector-index.ts'
import { limitOf } from '../rollouts/plan/limit.ts'
import { type Plan, plan } from '../rollouts/plan/plan.ts'
import type { RewrittenImage } from '../rollouts/workloads/workload.ts'
import { type BackoffLimits, backoffMs } from '../time/backoff.ts'
import type { Clock } from '../time/clock.ts'
import type { Result } from './queue.ts'

export interface ReconcilerOptions {
  readonly objects: Store<ContainerVersion>
  readonly index: SelectorIndex
  readonly observer: Observer
  readonly following: TargetPoller
  readonly credentials: TargetCredentials
  readonly effects: Effects
  readonly clock: Clock
  readonly defaultIntervalSeconds: number
  readonly rollbackByDefault: boolean
  /** Reconciles a key after this time at the latest, whatever becomes of the reconcile in progress. */
  readonly requeueAfter: (key: string, milliseconds: number) => void
  /** Called after each reconcile that carried its plan out; `failure` is of a write that delivery does not hang on. */
  readonly onReconciled?: ((observation: Observation, plan: Plan, failure: unknown) => void) | undefined
}

/** What was seen of an object, and what comes next. */
export interface Decided {
  readonly observation: Observation
  readonly plan: Plan
}

/** What the registry offers, and the request of the object that a poll has answered with it. */
interface Answer {
  readonly offer: Offer
  readonly answeredRequest?: string | undefined
}

/** Secrets are not watched: after a refusal they are read again this often. */
const readCredentialsEveryMs = 30_000

/** After conflicts in a row. Whoever meets a conflict reads the object again, so that the first retry sees it. */
const conflicts: BackoffLimits = { firstMs: 100, maxMs: 10_000 }

/** Reconciles one ContainerVersion: observes, plans, acts. It receives a key, never an event. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  /** When to read the credentials of a key again. */
  readonly #readCredentialsAt = new Map<string, number>()
  /** The last request of a key for a poll. */
  readonly #requests = new Map<string, string>()
  /** How many conflicts in a row a key has met. */
  readonly #conflicts = new Map<string, number>()
  /** The images that the API server has stored otherwise than they were sent, until `plan` knows it. */
  readonly #rewritten = new Map<string, readonly RewrittenImage[]>()
  /** Since when the changes of a key's rollback have been answered. */
  readonly #restoringSince = new Map<string, number>()

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /** @throws ApiError, TransientError */
  async reconcile(key: string): Promise<Result> {
    const object = this.#options.objects.get(key)
    if (!object) return this.#forget(key)
    this.#requeueByLimit(object)
    try {
      return await this.carryOut(await this.decide(object))
    } catch (thrown) {
      this.#restoringSince.delete(key)
      throw thrown
    }
  }

  /** Says what comes next for an object. It reads, and changes nothing. @throws ApiError, TransientError */
  async decide(object: ContainerVersion): Promise<Decided> {
    const { observer, effects, rollbackByDefault } = this.#options
    const { offer, answeredRequest } = await this.#offer(object)
    const observed = await observer.observe(object, offer)
    const rewritten = this.#rewritten.get(object.key)
    const refused = effects.refused.get(object.key)
    const restoringSince = this.#restoringSince.get(object.key)
    const observation = { ...observed, rollbackByDefault, answeredRequest, rewritten, refused, restoringSince }
    return { observation, plan: plan(observation) }
  }

  /** @throws ApiError, TransientError */
  async carryOut({ observation, plan: planned }: Decided): Promise<Result> {
    const { effects, clock, onReconciled } = this.#options
    const { object } = observation
    const { key } = object
    let failure: unknown
    try {
      failure = await act(effects, object, planned)
      this.#rewritten.delete(key)
    } catch (thrown) {
      if (thrown instanceof ImagesRewrittenError) {
        this.#rewritten.set(key, thrown.rewritten)
        return { requeueAfterMs: 0 }
      }
      if (!isConflict(thrown)) throw thrown
      this.#noteRestoring(key, planned)
      const inARow = (this.#conflicts.get(key) ?? 0) + 1
      this.#conflicts.set(key, inARow)
      return { requeueAfterMs: backoffMs(inARow, conflicts) }
    }
    this.#noteRestoring(key, planned)
    this.#conflicts.delete(key)
    onReconciled?.(observation, planned, failure)
    const times = [planned.requeueAt, this.#readCredentialsAt.get(key)].filter((time) => time !== undefined)
    const requeueAfterMs = times.length > 0 ? Math.max(0, Math.min(...times) - clock.now()) : undefined
    return { requeueAfterMs, failure }
  }

  #forget(key: string): Result {
    const { following, observer, credentials, effects } = this.#options
    following.unfollow(key)
    observer.forget(key)
    credentials.forget(key)
    effects.deployedVersion.forget(key)
    effects.reported.delete(key)
    effects.refused.delete(key)
    this.#readCredentialsAt.delete(key)
    this.#requests.delete(key)
    this.#conflicts.delete(key)
    this.#rewritten.delete(key)
    this.#restoringSince.delete(key)
    return {}
  }

  #noteRestoring(key: string, { status: { rollout }, changes }: Plan): void {
    if (rollout?.phase !== 'RollingBack') this.#restoringSince.delete(key)
    else if (changes.length > 0 && !this.#restoringSince.has(key))
      this.#restoringSince.set(key, this.#options.clock.now())
  }

  /** A rollout ends by its limit even if each reconcile fails, and so waits for longer and longer. */
  #requeueByLimit({ key, status: { rollout } }: ContainerVersion): void {
    const leftMs = rollout ? limitOf(rollout) - this.#options.clock.now() : 0
    if (leftMs > 0) this.#options.requeueAfter(key, leftMs)
  }

  /** Follows what the spec says, and returns what the registry offers. A target that cannot be followed is a failed offer. */
  async #offer(object: ContainerVersion): Promise<Answer> {
    const { following, index, clock, defaultIntervalSeconds } = this.#options
    const { key, spec, deleting } = object
    if (deleting) {
      following.unfollow(key)
      return { offer: { state: 'unknown' } }
    }
    const request = this.#newRequestOf(object)
    try {
      const { repository } = parseReference(spec.imageRepo)
      const followed = tagSelectorOf(spec)
      const afresh = isRefusal(following.offer(key)) && this.#mayReadCredentialsAgain(key)
      const workloads = index.workloadsOf(key)
      const credentials = await this.#options.credentials.credentials(object, workloads, repository, afresh)
      const intervalSeconds = spec.pollIntervalSeconds ?? defaultIntervalSeconds
      following.follow(key, {
        repository,
        ...followed,
        credentials,
        intervalSeconds,
        remembered: rememberedVersion(object),
        request,
      })
      const offer = following.offer(key)
      if (!isRefusal(offer)) this.#readCredentialsAt.delete(key)
      return { offer, answeredRequest: following.answeredRequest(key) }
    } catch (thrown) {
      if (!(thrown instanceof NeedsChangeError) && !(thrown instanceof TransientError)) throw thrown
      following.unfollow(key)
      this.#readCredentialsAt.set(key, clock.now() + readCredentialsEveryMs)
      return { offer: { state: 'failed', error: thrown }, answeredRequest: request }
    }
  }

  /** What a person asks for, and the status does not say that it is done. The credentials are read again for it. */
  #newRequestOf({ key, reconcileRequest, status }: ContainerVersion): string | undefined {
    if (reconcileRequest === undefined || reconcileRequest === status.lastHandledReconcileAt) return undefined
    if (this.#requests.get(key) !== reconcileRequest) this.#readCredentialsAt.delete(key)
    this.#requests.set(key, reconcileRequest)
    return reconcileRequest
  }

  #mayReadCredentialsAgain(key: string): boolean {
    const now = this.#options.clock.now()
    if (now < (this.#readCredentialsAt.get(key) ?? 0)) return false
    this.#readCredentialsAt.set(key, now + readCredentialsEveryMs)
    return true
  }
}

/**
 * The version found before a restart, if it was for the same spec: another pattern may find another version. That of an
 * earlier release, which does not say why it has no name, is searched for once more.
 */
function rememberedVersion({ status, generation }: ContainerVersion): Version | undefined {
  const { observed, observedGeneration } = status
  if (!observed || observedGeneration !== generation) return undefined
  const { digest, version: name, source, hint } = observed
  if (source === 'digest' && hint === undefined) return undefined
  return { digest: digest as Digest, name, source, hint }
}

const isRefusal = (offer: Offer): boolean => offer.state === 'failed' && offer.error.reason === 'RegistryAccessDenied'
