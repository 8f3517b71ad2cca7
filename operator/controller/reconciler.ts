import type { ContainerVersion } from '../api/container-version.ts'
import { followable } from '../discovery/followable.ts'
import type { Following, Offer, Version } from '../discovery/following.ts'
import { NeedsChangeError, TransientError } from '../errors.ts'
import type { Digest } from '../images/digest.ts'
import type { Repository } from '../images/reference.ts'
import { parseReference } from '../images/reference.ts'
import { isConflict } from '../kubernetes/api-error.ts'
import type { Store } from '../kubernetes/store.ts'
import type { Credentials } from '../registries/registry.ts'
import { act } from '../rollouts/act/act.ts'
import type { Hands } from '../rollouts/act/effects.ts'
import type { Observation, Plan } from '../rollouts/observe/observation.ts'
import type { Observer } from '../rollouts/observe/observe.ts'
import type { World } from '../rollouts/observe/selector-index.ts'
import { plan, type Rules } from '../rollouts/plan/plan.ts'
import type { WorkloadObject } from '../rollouts/workloads/workload.ts'
import type { Clock } from '../time/clock.ts'
import type { Result } from './queue.ts'

/** Where the credentials for a registry come from. */
export interface CredentialSource {
  /** @param afresh not from memory: the registry has refused those. @throws NeedsChangeError `PullSecretInvalid`, … */
  credentials(
    object: ContainerVersion,
    workloads: readonly WorkloadObject[],
    repository: Repository,
    afresh: boolean,
  ): Promise<Credentials>
  forget(key: string): void
}

export interface ReconcilerOptions {
  readonly objects: Store<ContainerVersion>
  readonly world: World
  readonly observer: Observer
  readonly following: Following
  readonly credentials: CredentialSource
  readonly rules: Rules
  readonly hands: Hands
  readonly clock: Clock
  readonly defaultIntervalSeconds: number
  /** Told of every look, after what it decided has been done. */
  readonly looked?: ((observation: Observation, decision: Plan) => void) | undefined
}

/** Secrets are not watched: after a refusal they are read again in this rhythm. */
const credentialsAgainMs = 30_000

/** One look at one ContainerVersion: observe, plan, act. It is given a key, never an event. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #readAgainAt = new Map<string, number>()

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  async reconcile(key: string): Promise<Result> {
    const { objects, observer, rules, hands, clock, looked } = this.#options
    const object = objects.get(key)
    if (!object) return this.#forget(key)
    const offer = await this.#offer(object)
    const observation = await observer.observe(object, offer)
    const decision = plan(rules, observation)
    try {
      await act(hands, object, decision)
    } catch (thrown) {
      // Somebody wrote at the same time. Their change is about to arrive by the watch; it costs no back-off.
      if (isConflict(thrown)) return { requeueAfterMs: conflictAgainMs }
      throw thrown
    }
    looked?.(observation, decision)
    return { requeueAfterMs: this.#again(key, decision, clock.now()) }
  }

  #again(key: string, { again }: Plan, now: number): number | undefined {
    const times = [again, this.#readAgainAt.get(key)].filter((time) => time !== undefined)
    return times.length > 0 ? Math.max(0, Math.min(...times) - now) : undefined
  }

  #forget(key: string): Result {
    const { following, credentials, hands } = this.#options
    following.unfollow(key)
    credentials.forget(key)
    hands.deployedVersion.forget(key)
    this.#readAgainAt.delete(key)
    return {}
  }

  /** Follows what the spec says, and tells what is known of it. A target that cannot be followed is an offer that failed. */
  async #offer(object: ContainerVersion): Promise<Offer> {
    const { following, world } = this.#options
    const { key, spec, deleting } = object
    if (deleting) {
      following.unfollow(key)
      return { state: 'unknown' }
    }
    try {
      const { repository } = parseReference(spec.imageRepo)
      const followed = followable(spec)
      const refused = isRefusal(following.offer(key))
      const afresh = refused && this.#isTimeToReadAgain(key)
      const credentials = await this.#options.credentials.credentials(
        object,
        world.workloadsOf(key),
        repository,
        afresh,
      )
      following.follow(key, {
        repository,
        ...followed,
        credentials,
        intervalSeconds: spec.pollIntervalSeconds ?? this.#options.defaultIntervalSeconds,
        remembered: rememberedVersion(object),
      })
      const offer = following.offer(key)
      if (!isRefusal(offer)) this.#readAgainAt.delete(key)
      return offer
    } catch (thrown) {
      if (!(thrown instanceof NeedsChangeError) && !(thrown instanceof TransientError)) throw thrown
      following.unfollow(key)
      this.#readAgainAt.set(key, this.#options.clock.now() + credentialsAgainMs)
      return { state: 'failed', error: thrown }
    }
  }

  #isTimeToReadAgain(key: string): boolean {
    const now = this.#options.clock.now()
    if (now < (this.#readAgainAt.get(key) ?? 0)) return false
    this.#readAgainAt.set(key, now + credentialsAgainMs)
    return true
  }
}

/** Long enough for the watch to bring what the conflict was about. */
const conflictAgainMs = 100

/** Of the same spec only: another pattern finds another version. */
function rememberedVersion({ status, generation }: ContainerVersion): Version | undefined {
  const { observed, observedGeneration } = status
  if (!observed || observedGeneration !== generation) return undefined
  return { digest: observed.digest as Digest, name: observed.version, source: observed.source }
}

const isRefusal = (offer: Offer): boolean => offer.state === 'failed' && offer.error.reason === 'RegistryAccessDenied'
