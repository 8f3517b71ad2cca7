import { digestOf, ofOneRepository } from '../../images/image.ts'
import { healthOf, lostPods, ordinalOf, type PodFacts, type Times } from './health.ts'
import { workloadKind } from './kinds.ts'
import { type Pod, presentPods } from './pods.ts'
import type {
  Before,
  Container,
  ImageChange,
  ObjectRef,
  SelectedContainer,
  Workload,
  WorkloadObject,
} from './workload.ts'

/**
 * A workload as strategies see it. It needs the facts of its pods only if `needsPods` says so.
 * @param before undefined if it is not part of a rollout
 */
export function workload(
  object: WorkloadObject,
  containers: readonly Container[],
  facts: PodFacts,
  times: Times,
  before?: Before,
): Workload {
  const { kind, namespace, name, uid, resourceVersion, order, replicas, podLabels, restarts } = object
  const ref = { kind, namespace, name, uid, resourceVersion }
  const selected = containers.map((container) => ({ ...container, running: runningDigest(container, facts.pods) }))
  const restore = (restored: readonly Container[]): ImageChange => ({
    change: 'images',
    of: ref,
    images: restored.map((container) => placed(container, object)),
    seen: object,
  })
  return {
    ref,
    name: `${kind}/${name}`,
    containers: selected,
    order,
    rolls: workloadKind(kind).rolls,
    replicas,
    podLabels,
    ready: new Set(presentPods(facts.pods).flatMap(({ ready, uid }) => (ready ? [uid] : []))),
    health: healthOf(object, facts, times, before),
    restarts,
    unavailable: Math.min(lostPods(facts.pods, times), object.missingPods ?? 0),
    mustDisown: object.mustDisown,
    blockers: blockersOf(object, facts.pods),
    runs: (image) => selected.every((container) => runsImage(container, image, object)),
    changeTo: (image) => restore(selected.map((container) => ({ name: container.name, image }))),
    restore,
  }
}

/** An image with the list of the template that its container is in. */
function placed({ name, image }: Container, { containers }: WorkloadObject): Container {
  const isInit = containers.find((container) => container.name === name)?.init
  return { name, image, ...(isInit ? { init: isInit } : {}) }
}

/** Its own pods of earlier templates that are not ready: its controller waits for them forever. */
function blockersOf(object: WorkloadObject, pods: readonly Pod[]): readonly ObjectRef[] {
  const { waitsFromOrdinal = Number.POSITIVE_INFINITY, namespace, revision } = object
  if (revision === undefined) return []
  return pods
    .filter((pod) => ordinalOf(pod) >= waitsFromOrdinal && !pod.present && !pod.ready && !pod.deleting)
    .map(({ name, uid }) => ({ namespace, name, uid }))
}

/** The digest that all pods of the present template run in a container; undefined if there are none, or several digests. */
function runningDigest({ name }: Container, pods: readonly Pod[]): string | undefined {
  const digests = presentPods(pods).map(
    ({ containers }) => containers.find((container) => container.name === name)?.digest,
  )
  const [first] = digests
  return digests.every((digest) => digest === first) ? first : undefined
}

/** The template has this very image, or another name of the same digest; or all pods run the digest, and are settled. */
function runsImage(container: SelectedContainer, image: string, { progress }: WorkloadObject): boolean {
  if (container.image === image) return true
  const digest = digestOf(container.image) ?? (progress.state === 'healthy' ? container.running : undefined)
  return digest !== undefined && digest === digestOf(image) && ofOneRepository(container.image, image)
}

/**
 * Whether the pods of a workload must be read: to find out what an image without a digest really is, or why the workload
 * is not healthy. A settled workload with a digest in its image costs no request, unless its kind cannot say that it is settled.
 */
export function needsPods(object: WorkloadObject, containers: readonly Container[], rollingOut: boolean): boolean {
  const { rolls, progressOf } = workloadKind(object.kind)
  if (rolls === 'AtNextRun') return false
  if (object.progress.state === 'waiting' || (rollingOut && progressOf)) return true
  return !rollingOut && containers.some(({ image }) => digestOf(image) === undefined)
}
