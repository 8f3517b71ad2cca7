import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError } from '../../errors.ts'
import { digestOf, ofOneRepository } from '../../images/image.ts'
import { type Pod, podTrouble } from './pods.ts'
import type { Container, ImageChange, ObjectRef, SelectedContainer, Workload, WorkloadObject } from './workload.ts'

/** Whether a selector finds a workload: the workload itself has the labels, and no other object controls it (B14). */
export function selects(selector: Readonly<Record<string, string>>, object: WorkloadObject): boolean {
  if (object.controlled || object.deleting) return false
  return Object.entries(selector).every(([key, value]) => object.labels[key] === value)
}

/** The containers that get the image: the one that the spec names, or else all with an image of the repository. */
export function selectContainers(spec: ContainerVersionSpec, object: WorkloadObject): readonly Container[] {
  const wanted = spec.container?.name
  return object.containers.filter(({ name, image }) =>
    wanted === undefined ? ofOneRepository(image, spec.imageRepo) : name === wanted,
  )
}

/** A workload has no container that gets the image (B33). */
export function containerNotFound(spec: ContainerVersionSpec, object: WorkloadObject): NeedsChangeError {
  const wanted = spec.container?.name
  const workload = `${object.kind} ${object.namespace}/${object.name}`
  const names = object.containers.map(({ name }) => name).join(', ')
  return new NeedsChangeError(
    'ContainerNotFound',
    wanted === undefined
      ? `${workload} has no container whose image is of ${spec.imageRepo}; its containers are ${names}. Name one in spec.container.name.`
      : `${workload} has no container ${wanted}; its containers are ${names}. Name one of them in spec.container.name.`,
  )
}

/** A workload as strategies see it. It needs `pods` only if `needsPods` says so. */
export function workload(
  object: WorkloadObject,
  containers: readonly Container[],
  pods: readonly Pod[],
  images: ReadonlySet<string>,
): Workload {
  const { kind, namespace, name, uid, resourceVersion, progress } = object
  const ref = { kind, namespace, name, uid, resourceVersion }
  const selected = containers.map((container) => ({ ...container, running: runningDigest(container, pods) }))
  const restore = (restored: readonly Container[]): ImageChange => ({ change: 'images', of: ref, images: restored })
  return {
    ref,
    name: `${kind}/${name}`,
    containers: selected,
    // The pods show sooner than the controller that a change will not succeed.
    health: (progress.state === 'waiting' && podTrouble(pods, images)) || progress,
    unavailable: 0,
    mustDisown: object.mustDisown,
    blockers: blockersOf(object, containers, pods),
    runs: (image) => selected.every((container) => runsImage(container, image, object)),
    changeTo: (image) => restore(selected.map((container) => ({ name: container.name, image }))),
    restore,
  }
}

/** Pods of another template that are not ready, and for which the controller would wait forever. */
function blockersOf(
  object: WorkloadObject,
  containers: readonly Container[],
  pods: readonly Pod[],
): readonly ObjectRef[] {
  const { waitsFromOrdinal = Number.POSITIVE_INFINITY, namespace } = object
  const isOutdated = (pod: Pod) =>
    containers.some(({ name, image }) =>
      pod.containers.some((container) => container.name === name && container.image !== image),
    )
  return pods
    .filter((pod) => ordinalOf(pod) >= waitsFromOrdinal && !pod.ready && !pod.deleting && isOutdated(pod))
    .map(({ name, uid }) => ({ namespace, name, uid }))
}

const ordinalOf = ({ name }: Pod): number => Number(name.slice(name.lastIndexOf('-') + 1))

/** The digest that all pods of a workload run in a container; undefined if there are no pods, or several digests. */
function runningDigest({ name, image }: Container, pods: readonly Pod[]): string | undefined {
  const live = pods.filter((pod) => !pod.deleting && !pod.ended)
  const containers = live.map((pod) => pod.containers.find((container) => container.name === name))
  const [first] = containers
  // A pod of another template says nothing about this one.
  if (!first?.digest || containers.some((container) => container?.image !== image || container.digest !== first.digest))
    return undefined
  return first.digest
}

/** The template has this very image, or another name of the same digest; or all pods run the digest, and are settled. */
function runsImage(container: SelectedContainer, image: string, { progress }: WorkloadObject): boolean {
  if (container.image === image) return true
  const digest = digestOf(container.image) ?? (progress.state === 'healthy' ? container.running : undefined)
  return digest !== undefined && digest === digestOf(image) && ofOneRepository(container.image, image)
}

/**
 * Whether the pods of a workload must be read: to find out what an image without a digest really is, or why the workload
 * is not healthy. A settled workload with a digest in its image costs no request.
 */
export function needsPods(object: WorkloadObject, containers: readonly Container[], rollingOut: boolean): boolean {
  if (rollingOut) return object.progress.state === 'waiting'
  return containers.some(({ image }) => digestOf(image) === undefined)
}
