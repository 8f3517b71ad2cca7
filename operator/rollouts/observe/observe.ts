import type { ContainerVersion } from '../../api/container-version.ts'
import type { Offer } from '../../discovery/target.ts'
import { NeedsChangeError } from '../../errors.ts'
import { composeImage } from '../../images/reference.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { Clock } from '../../time/clock.ts'
import { containerNotFound, needsPods, selectContainers, workload } from '../workloads/select.ts'
import type { Container, Workload, WorkloadObject } from '../workloads/workload.ts'
import type { Observation } from './observation.ts'
import { PodLists } from './pod-lists.ts'
import type { SelectorIndex } from './selector-index.ts'

/** A workload with the containers that a ContainerVersion selects in it. */
interface Selected {
  readonly object: WorkloadObject
  readonly containers: readonly Container[]
}

/** Observes one ContainerVersion and its surroundings in the caches. Lists pods only if they add something. */
export class Observer {
  readonly #index: SelectorIndex
  readonly #clock: Clock
  readonly #pods: PodLists
  readonly #newSince = new Map<string, number>()

  constructor(client: ApiClient, index: SelectorIndex, clock: Clock) {
    this.#index = index
    this.#clock = clock
    this.#pods = new PodLists(client)
  }

  /** @throws ApiError, TransientError if pods cannot be listed */
  async observe(object: ContainerVersion, offer: Offer): Promise<Observation> {
    const { selected, problem } = this.#select(object)
    const images = imagesOf(object, offer)
    const rollingOut = object.status.rollout !== undefined
    const view = async ({ object: found, containers }: Selected, concerned: ReadonlySet<string>): Promise<Workload> => {
      const wanted = (rollingOut || images.size > 0) && needsPods(found, containers, rollingOut)
      // While a rollout waits, its workloads change with each of their pods.
      const pods = wanted ? await this.#pods.of(found, { recent: rollingOut }) : []
      return workload(found, containers, pods, concerned)
    }
    const members = this.#members(object)
    const now = this.#clock.now()
    return {
      object,
      workloads: await Promise.all(selected.map((each) => view(each, images))),
      members: await Promise.all(members.map((each) => view(each, previousImages(object)))),
      problem,
      offer,
      newSince: this.#sinceWhenNew(object, now),
      now,
    }
  }

  /** The object of this key is gone. */
  forget(key: string): void {
    this.#newSince.delete(key)
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
    const problems: NeedsChangeError[] = []
    for (const found of this.#index.workloadsOf(object.key)) {
      const containers = selectContainers(object.spec, found)
      const problem =
        containers.length === 0 ? containerNotFound(object.spec, found) : this.#rivalry(object, found, containers)
      if (problem) problems.push(problem)
      else selected.push({ object: found, containers })
    }
    const problem = problems[0] ?? (selected.length === 0 ? noWorkload(object) : undefined)
    return { selected, problem }
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
  const labels = Object.entries(spec.selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  return new NeedsChangeError(
    'WorkloadNotFound',
    `no Deployment, StatefulSet or DaemonSet in namespace ${namespace} has the labels ${labels} of spec.selector on itself (not only on its pods). Label one, e.g. kubectl label deployment NAME ${labels.replaceAll(',', ' ')} -n ${namespace}, or change spec.selector.`,
  )
}

/** The images that are rolled out now, or may be next. Only pods that run one of them say something about the version. */
function imagesOf({ spec, status }: ContainerVersion, offer: Offer): ReadonlySet<string> {
  const images = new Set<string>()
  if (status.rollout) images.add(status.rollout.image)
  const version = offer.state === 'unknown' ? undefined : offer.version
  if (version) images.add(composeImage(spec.imageRepo, version))
  return images
}

/** The images that a rollback restores. The pods of the version that failed do not count for its success. */
function previousImages({ status }: ContainerVersion): ReadonlySet<string> {
  return new Set((status.rollout?.workloads ?? []).flatMap(({ previous }) => previous.map(({ image }) => image)))
}
