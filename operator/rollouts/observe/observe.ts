import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import { lastVersion, type Offer } from '../../discovery/target.ts'
import { NeedsChangeError } from '../../errors.ts'
import { composeImage } from '../../images/reference.ts'
import { allowedReads } from '../../kubernetes/allowed-reads.ts'
import { undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { Clock } from '../../time/clock.ts'
import type { Sources } from '../verifiers/verifier.ts'
import { noPods } from '../workloads/health.ts'
import { workloadKind, workloadKinds, workloadPath } from '../workloads/kinds.ts'
import { containerNotFound, type Selected, selectContainers } from '../workloads/select.ts'
import { selectorQuery } from '../workloads/strip.ts'
import { needsPods, workload } from '../workloads/view.ts'
import type { Before, Container, Workload, WorkloadObject } from '../workloads/workload.ts'
import { checkSeen } from './checks.ts'
import { changedContainers, driftOf, type FoundDrift } from './drift.ts'
import type { Observation } from './observation.ts'
import { PodLists } from './pod-lists.ts'
import { refusalOf } from './refusal.ts'
import type { SelectorIndex } from './selector-index.ts'
import type { Services } from './services.ts'
import { surroundingsOf } from './surroundings.ts'

/** A controller creates missing pods at once, unless the API server refuses them. */
const uncreatedMs = 5_000

/** Observes one ContainerVersion and its surroundings in the caches. Lists pods only if they add something. */
export class Observer {
  readonly #client: ApiClient
  readonly #index: SelectorIndex
  readonly #clock: Clock
  readonly #checks: Sources
  readonly #pods: PodLists
  readonly #services: Services
  readonly #newSince = new Map<string, number>()

  constructor(client: ApiClient, index: SelectorIndex, services: Services, clock: Clock, checks: Sources) {
    this.#services = services
    this.#client = client
    this.#index = index
    this.#clock = clock
    this.#checks = checks
    this.#pods = new PodLists(client)
  }

  /** @throws ApiError, TransientError if pods cannot be listed; but not if a right to do it is missing */
  async observe(object: ContainerVersion, offer: Offer): Promise<Observation> {
    const { selected, strangers, problem } = this.#select(object)
    const { rollout } = object.status
    const now = this.#clock.now()
    const began = rollout?.rollbackTime ?? rollout?.startTime
    const times = { now, since: began === undefined ? now : Date.parse(began) }
    const offered = imageOffered(object, offer)
    const { counts, serving, services, autoscalers, ...beside } = await surroundingsOf(
      this.#services,
      object,
      selected,
      offered,
      now,
    )
    // Of two sides, a check is about the one that does not serve users yet.
    const waitingForIt = selected.filter((one) => serving?.has(one.object.uid) === false)
    const serves = ({ uid }: WorkloadObject) => serving?.has(uid) ?? true
    const missingRights = new Set<string>()
    const allowed = allowedReads(missingRights)
    const view = async ({ object: found, containers }: Selected): Promise<Workload> => {
      const isPolled = offer.state !== 'unknown'
      const isBehind = isPolled && serves(found) && containers.some(({ image }) => image !== offered)
      const changes = rollout !== undefined || isBehind
      const wanted = counts || (changes && needsPods(found, containers, rollout !== undefined))
      // While a rollout waits, its workloads change with each of their pods. Where the pods alone decide, no change may be missed.
      const recent = rollout !== undefined && workloadKind(found.kind).progressOf === undefined
      const facts = wanted ? await allowed(this.#pods.of(found, { recent, all: counts }), noPods) : noPods
      const isRefused = wanted && found.uncreatedPods > 0 && now >= times.since + uncreatedMs
      const refusal = isRefused ? await allowed(refusalOf(this.#client, found, times.since), undefined) : undefined
      const member = rollout?.workloads.find(({ uid }) => uid === found.uid)
      const before = member && beforeRollout(member)
      return workload(found, containers, { ...facts, refusal }, times, before)
    }
    const drift: FoundDrift[] = []
    /** Sees a workload, and who has set its images, if they are others than before. */
    const confirmed = async (one: Selected): Promise<Workload> => {
      const seen = await view(one)
      if (!serves(one.object)) return seen
      if (changedContainers(object, seen).length === 0) return seen
      const raw = await allowed(this.#client.get(workloadPath(one.object)).catch(undefinedIfNotFound), undefined)
      if (raw === undefined) return seen
      const fresh = workloadKind(one.object.kind).strip(raw)
      const containers = selectContainers(object.spec, fresh)
      // The watch may be late: what it has seen is no change then, but old.
      const isOld = fresh.resourceVersion !== one.object.resourceVersion && containers.length > 0
      const present = isOld ? await view({ object: fresh, containers }) : seen
      const found = driftOf(object, present, changedContainers(object, present), raw)
      if (found) drift.push(found)
      return present
    }
    const workloads = await Promise.all(selected.map(confirmed))
    await Promise.all(strangers.map((found) => confirmed({ object: found, containers: found.containers })))
    return {
      object,
      workloads,
      serving: serving && workloads.filter(({ ref }) => serving.has(ref.uid)),
      services,
      autoscalers,
      members: await Promise.all(this.#members(object).map(view)),
      problem: problem ?? beside.problem,
      check: await checkSeen(this.#checks, object, waitingForIt.length > 0 ? waitingForIt : selected, now),
      offer,
      drift,
      missingRights: [...missingRights],
      newSince: this.#sinceWhenNew(object, now),
      now,
    }
  }

  /** The object of this key is gone. */
  forget(key: string): void {
    this.#newSince.delete(key)
    this.#services.forget(key)
  }

  #sinceWhenNew({ key, status }: ContainerVersion, now: number): number | undefined {
    if (status.phase !== undefined) {
      this.#newSince.delete(key)
      return undefined
    }
    const since = this.#newSince.get(key) ?? now
    this.#newSince.set(key, since)
    return since
  }

  #select(object: ContainerVersion) {
    const selected: Selected[] = []
    /** The workloads that have come to have no container of the repository. */
    const strangers: WorkloadObject[] = []
    const problems: NeedsChangeError[] = []
    const isKnown = object.status.conditions?.some(({ reason }) => reason === 'ContainerNotFound')
    for (const found of this.#index.workloadsOf(object.key)) {
      const containers = selectContainers(object.spec, found)
      const problem = containerNotFound(object.spec, found) ?? this.#rivalry(object, found, containers)
      if (problem) problems.push(problem)
      if (containers.length > 0) selected.push({ object: found, containers })
      else if (!isKnown) strangers.push(found)
    }
    const problem = problems[0] ?? (selected.length === 0 ? noWorkload(object) : undefined)
    return { selected, strangers, problem }
  }

  /** Two ContainerVersions that select one container would undo each other's rollouts forever: neither may change it. */
  #rivalry(
    object: ContainerVersion,
    found: WorkloadObject,
    containers: readonly Container[],
  ): NeedsChangeError | undefined {
    for (const other of this.#index.ownersOf(found)) {
      if (other.key === object.key) continue
      const shared = containers.find(({ name }) =>
        selectContainers(other.spec, found).some((container) => container.name === name),
      )
      if (!shared) continue
      return new NeedsChangeError(
        'WorkloadClaimedTwice',
        `container ${shared.name} of ${found.kind} ${found.namespace}/${found.name} is selected by the ContainerVersions ${[object.name, other.name].sort().join(' and ')}: neither changes it. Make their selectors or containers differ.`,
      )
    }
    return undefined
  }

  /** The workloads of the rollout in progress that still exist: by UID, not by name alone (B36). */
  #members({ namespace, status }: ContainerVersion): readonly Selected[] {
    return (status.rollout?.workloads ?? []).flatMap(({ kind, name, uid, previous }) => {
      const object = this.#index.find(namespace, kind, name)
      if (!object || object.uid !== uid || object.deleting) return []
      const containers = object.containers.filter((container) =>
        previous.some((before) => before.name === container.name),
      )
      return [{ object, containers }]
    })
  }
}

function noWorkload({ namespace, spec }: ContainerVersion): NeedsChangeError {
  const labels = selectorQuery({ matchLabels: spec.selector })
  const kinds = workloadKinds
    .map(({ kind }) => kind)
    .join(', ')
    .replace(/, (?=\w+$)/, ' or ')
  return new NeedsChangeError(
    'WorkloadNotFound',
    `no ${kinds} in namespace ${namespace} has the labels ${labels} of spec.selector on itself (not only on its pods). What another object controls, and a Job or Pod that has ended, does not count. Label one, e.g. kubectl label deployment NAME ${labels.replaceAll(',', ' ')} -n ${namespace}, or change spec.selector.`,
  )
}

function beforeRollout({ unavailableBefore, restartsBefore, previous }: RolloutStatus['workloads'][number]): Before {
  const changed = previous.map(({ name }) => name)
  return { unavailable: unavailableBefore ?? 0, restarts: restartsBefore ?? 0, changed }
}

/** The image that may be rolled out next. */
function imageOffered({ spec }: ContainerVersion, offer: Offer): string | undefined {
  const version = lastVersion(offer)
  return version && composeImage(spec.imageRepo, version)
}
