import type { ContainerVersion } from '../../api/container-version.ts'
import type { Offer } from '../../discovery/following.ts'
import { NeedsChangeError } from '../../errors.ts'
import { composeImage } from '../../images/reference.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { Clock } from '../../time/clock.ts'
import { pod } from '../workloads/pods.ts'
import { containersIfAny, needsPods, selectContainers, workload } from '../workloads/select.ts'
import type { Container, Pod, Workload, WorkloadObject } from '../workloads/workload.ts'
import type { Observation } from './observation.ts'
import type { World } from './selector-index.ts'

/** A workload with the containers of it that are concerned. */
interface Selected {
  readonly object: WorkloadObject
  readonly containers: readonly Container[]
}

interface Selection {
  readonly selected: readonly Selected[]
  readonly problem: NeedsChangeError | undefined
}

/** While a rollout goes on, its workload changes with each pod: its pods are listed no more often than this. */
const podsKeptMs = 1_500

/** A workload has at most so many pods looked at: they tell the same story. */
const podsLookedAt = 500

/** Looks at the world around one ContainerVersion: caches first, pods only where they have something to tell. */
export class Observer {
  readonly #client: ApiClient
  readonly #world: World
  readonly #clock: Clock
  readonly #kept = new Map<string, { readonly pods: Promise<readonly Pod[]>; readonly at: number }>()

  constructor(client: ApiClient, world: World, clock: Clock) {
    this.#client = client
    this.#world = world
    this.#clock = clock
  }

  /** @throws ApiError, TransientError where pods cannot be listed */
  async observe(object: ContainerVersion, offer: Offer): Promise<Observation> {
    const { selected, problem } = this.#select(object)
    const members = this.#members(object)
    const images = imagesOf(object, offer)
    const rollingOut = object.status.rollout !== undefined
    const pods = new Map<string, readonly Pod[]>()
    const view = async ({ object: found, containers }: Selected, concerned: ReadonlySet<string>): Promise<Workload> => {
      if ((rollingOut || images.size > 0) && needsPods(found, containers, rollingOut) && !pods.has(found.uid)) {
        pods.set(found.uid, await (rollingOut ? this.#recentPods(found) : this.#pods(found)))
      }
      return workload(found, containers, pods.get(found.uid) ?? [], concerned)
    }
    const workloads = await Promise.all(selected.map((each) => view(each, images)))
    return {
      object,
      workloads,
      members: await Promise.all(members.map((each) => view(each, previousImages(object)))),
      problem,
      offer,
      now: this.#clock.now(),
    }
  }

  #select(object: ContainerVersion): Selection {
    const selected: Selected[] = []
    const problems: NeedsChangeError[] = []
    for (const found of this.#world.workloadsOf(object.key)) {
      try {
        const containers = selectContainers(object.spec, found)
        this.#refuseRivals(object, found, containers)
        selected.push({ object: found, containers })
      } catch (thrown) {
        if (!(thrown instanceof NeedsChangeError)) throw thrown
        problems.push(thrown)
      }
    }
    const problem = problems[0] ?? (selected.length === 0 ? noWorkload(object) : undefined)
    return { selected, problem }
  }

  /** Two ContainerVersions that feed one container would undo each other's rollouts for ever: neither may. */
  #refuseRivals(object: ContainerVersion, found: WorkloadObject, containers: readonly Container[]): void {
    for (const other of this.#world.ownersOf(found)) {
      if (other.key === object.key) continue
      const shared = containers.find(({ name }) =>
        containersIfAny(other.spec, found).some((container) => container.name === name),
      )
      if (!shared) continue
      throw new NeedsChangeError(
        'WorkloadClaimedTwice',
        `container ${shared.name} of ${found.kind} ${found.namespace}/${found.name} is selected by the ContainerVersions ${[object.name, other.name].sort().join(' and ')}: neither changes it. Make their selectors or containers differ.`,
      )
    }
  }

  /** The workloads of the rollout under way that still exist: by UID, not by name alone (B36). */
  #members({ namespace, status }: ContainerVersion): readonly Selected[] {
    return (status.rollout?.workloads ?? []).flatMap(({ kind, name, uid, previous }) => {
      const object = this.#world.find(namespace, kind, name)
      if (!object || object.uid !== uid || object.deleting) return []
      return [
        {
          object,
          containers: object.containers.filter((container) =>
            previous.some((before) => before.name === container.name),
          ),
        },
      ]
    })
  }

  #recentPods(found: WorkloadObject): Promise<readonly Pod[]> {
    const now = this.#clock.now()
    const kept = this.#kept.get(found.uid)
    if (kept && now - kept.at < podsKeptMs) return kept.pods
    for (const [uid, { at }] of this.#kept) if (now - at >= podsKeptMs) this.#kept.delete(uid)
    const pods = this.#pods(found)
    this.#kept.set(found.uid, { pods, at: now })
    pods.catch(() => this.#kept.delete(found.uid))
    return pods
  }

  async #pods({ namespace, podSelector }: WorkloadObject): Promise<readonly Pod[]> {
    const { items } = await this.#client.get<{ readonly items: readonly unknown[] }>(
      `/api/v1/namespaces/${namespace}/pods`,
      {
        query: { labelSelector: podSelector, limit: podsLookedAt },
      },
    )
    return items.map(pod)
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

/** The images that are being rolled out, or may be next: what their pods suffer from is the version's doing. */
function imagesOf({ spec, status }: ContainerVersion, offer: Offer): ReadonlySet<string> {
  const images = new Set<string>()
  if (status.rollout) images.add(status.rollout.image)
  const version = offer.state === 'unknown' ? undefined : offer.version
  if (version) images.add(composeImage(spec.imageRepo, version))
  return images
}

/** The images that a rollback restores: a version that is on its way out has no say in whether it went well. */
function previousImages({ status }: ContainerVersion): ReadonlySet<string> {
  return new Set((status.rollout?.workloads ?? []).flatMap(({ previous }) => previous.map(({ image }) => image)))
}
