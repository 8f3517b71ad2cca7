import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError } from '../../errors.ts'
import { digestOf, ofOneRepository } from '../../images/image.ts'
import { workloadKind } from './kinds.ts'
import { podTrouble } from './pods.ts'
import type { Container, Health, Pod, PodName, SelectedContainer, Workload, WorkloadObject } from './workload.ts'

/** Whether a workload is the business of a ContainerVersion: its labels are on it, and no other object controls it (B14). */
export function selects(selector: Readonly<Record<string, string>>, object: WorkloadObject): boolean {
  if (object.controlled || object.deleting) return false
  return Object.entries(selector).every(([key, value]) => object.labels[key] === value)
}

/**
 * The containers that get the image: the named one, or those of the repository where none is named.
 * @throws NeedsChangeError `ContainerNotFound` where there is none (B33)
 */
export function selectContainers(spec: ContainerVersionSpec, object: WorkloadObject): readonly Container[] {
  const wanted = spec.container?.name
  const found = object.containers.filter(({ name, image }) =>
    wanted === undefined ? ofOneRepository(image, spec.imageRepo) : name === wanted,
  )
  if (found.length > 0) return found
  const workload = `${object.kind} ${object.namespace}/${object.name}`
  const names = object.containers.map(({ name }) => name).join(', ')
  throw new NeedsChangeError(
    'ContainerNotFound',
    wanted === undefined
      ? `${workload} has no container whose image is of ${spec.imageRepo}; its containers are ${names}. Name one in spec.container.name.`
      : `${workload} has no container ${wanted}; its containers are ${names}. Name one of them in spec.container.name.`,
  )
}

/** The same, for who looks at another's workloads: a container that is not there is told in that object's own status. */
export function containersIfAny(spec: ContainerVersionSpec, object: WorkloadObject): readonly Container[] {
  try {
    return selectContainers(spec, object)
  } catch (thrown) {
    if (thrown instanceof NeedsChangeError) return []
    throw thrown
  }
}

/** A workload as strategies see it. `pods` are needed only where `needsPods` says so. */
export function workload(
  object: WorkloadObject,
  containers: readonly Container[],
  pods: readonly Pod[],
  images: ReadonlySet<string>,
): Workload {
  const progress = workloadKind(object.kind).progress(object)
  const health = judged(progress, pods, images)
  const selected = containers.map((container) => ({ ...container, running: runningDigest(container, pods) }))
  return {
    kind: object.kind,
    namespace: object.namespace,
    name: `${object.kind}/${object.name}`,
    uid: object.uid,
    containers: selected,
    health,
    imageIsOurs: object.imageIsOurs,
    imageIsApplied: object.imageIsApplied,
    blockers: blockersOf(object, containers, pods),
    runs: (image) => selected.every((container) => runsImage(container, image, progress)),
    changeTo: (image) =>
      imageChange(
        object,
        selected.map(({ name }) => ({ name, image })),
      ),
    restore: (images) => imageChange(object, images),
  }
}

function imageChange(object: WorkloadObject, images: readonly Container[]) {
  const { kind, namespace, name, uid, resourceVersion } = object
  return { kind, namespace, name, uid, resourceVersion, images }
}

/** What the controller says, unless the pods know better: they tell sooner that it will never be. */
function judged(progress: Health, pods: readonly Pod[], images: ReadonlySet<string>): Health {
  if (progress.state !== 'waiting') return progress
  return podTrouble(pods, images) ?? progress
}

/** Pods of another template that are not ready, where the controller would wait for them for ever. */
function blockersOf(
  object: WorkloadObject,
  containers: readonly Container[],
  pods: readonly Pod[],
): readonly PodName[] {
  const { waitsForPod } = workloadKind(object.kind)
  const isOutdated = (pod: Pod) =>
    containers.some(({ name, image }) =>
      pod.containers.some((container) => container.name === name && container.image !== image),
    )
  return pods
    .filter((pod) => waitsForPod?.(object, pod.name) && !pod.ready && !pod.deleting && isOutdated(pod))
    .map(({ name, uid }) => ({ namespace: object.namespace, name, uid }))
}

/** The one digest that all the pods of a workload run in a container; undefined where there are none, or several. */
function runningDigest({ name, image }: Container, pods: readonly Pod[]): string | undefined {
  const live = pods.filter((pod) => !pod.deleting && !pod.ended)
  const containers = live.map((pod) => pod.containers.find((container) => container.name === name))
  const [first] = containers
  // A pod of another template says nothing of this one.
  if (!first?.digest || containers.some((container) => container?.image !== image || container.digest !== first.digest))
    return undefined
  return first.digest
}

/** Written to the letter; or written otherwise, but with the same digest; or run by all its pods, and settled. */
function runsImage(container: SelectedContainer, image: string, progress: Health): boolean {
  if (container.image === image) return true
  const digest = digestOf(image)
  const written = digestOf(container.image)
  if (written !== undefined) return written === digest && ofOneRepository(container.image, image)
  return (
    progress.state === 'healthy' &&
    container.running !== undefined &&
    container.running === digest &&
    ofOneRepository(container.image, image)
  )
}

/**
 * Whether the pods of a workload have to be looked at: to find out what an image without a digest really is, or why the
 * workload is not healthy. A settled workload with a digest in its image tells all by itself, at no request.
 */
export function needsPods(object: WorkloadObject, containers: readonly Container[], rollingOut: boolean): boolean {
  if (rollingOut) return workloadKind(object.kind).progress(object).state === 'waiting'
  return containers.some(({ image }) => digestOf(image) === undefined)
}
