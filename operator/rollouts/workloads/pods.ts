import type { V1Container, V1ContainerStatus, V1ObjectMeta, V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { digestOf } from '../../images/image.ts'
import { timestamp } from '../../time/clock.ts'
import { controllerOf } from './strip.ts'
import type { Revision } from './workload.ts'

/** The fields in use of a workload's own pod. */
export interface Pod {
  readonly name: string
  readonly uid: string
  /** It has the present template of its workload. */
  readonly present: boolean
  readonly ready: boolean
  readonly deleting: boolean
  /** Evicted, failed or finished: it will not run again. */
  readonly ended: boolean
  readonly containers: readonly PodContainer[]
  /** Why it is not scheduled; undefined if it is. */
  readonly unschedulable: string | undefined
  /** Its node is away. */
  readonly nodeLost: boolean
  /** From this time on its kubelet should have done what is not done. */
  readonly overdue: number
  readonly created: number
  /** When it took its last step that lasted: scheduled, initialized, a container started or ended. */
  readonly stepped: number
  /** When its status last changed in any way. */
  readonly changed: number
}

export interface PodContainer {
  readonly name: string
  /** It is in `initContainers`. */
  readonly init: boolean
  /** As the pod's spec names it; a policy may have rewritten it, so that it says nothing about what runs. */
  readonly image: string
  /** Its status is still about the image that it had before. Only the image of a Pod changes while it runs. */
  readonly outdated: boolean
  /** The `sha256:…` digest that really runs, from `imageID` in the status. */
  readonly digest: string | undefined
  readonly waiting: { readonly reason: string; readonly message: string } | undefined
  /** Since when it runs, without being ready. */
  readonly unreadySince: string | undefined
  /** It has ended, and is not started again yet. */
  readonly terminated: boolean
  /** How it ended last. */
  readonly exit: { readonly code: number; readonly reason: string; readonly message: string } | undefined
  readonly restarts: number
}

/** Whether a pod, as the API server sends it, is a workload's own: its labels alone say nothing. */
export function isOwn(raw: unknown, { controllers, itself }: Revision): boolean {
  const { metadata } = raw as V1Pod
  const controller = controllerOf(metadata)
  if (controller !== undefined) return controllers.has(controller)
  return itself !== undefined && metadata?.uid === itself
}

/** @param raw a pod as the API server sends it */
export function pod(raw: unknown, revision: Revision): Pod {
  const { metadata, spec, status } = raw as V1Pod
  const condition = (type: string) => status?.conditions?.find((candidate) => candidate.type === type)
  const scheduled = condition('PodScheduled')
  const ready = condition('Ready')
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const named = (init: boolean, list: readonly V1Container[] = []) =>
    list.map(({ name, image = '', restartPolicy }) => {
      const found = statuses.find((candidate) => candidate.name === name)
      // An init container that has ended does not run again.
      const restarts = revision.itself !== undefined && (!init || restartPolicy === 'Always')
      const outdated = restarts && found !== undefined && !isAboutImage(image, found)
      return podContainer({ name, image, init, outdated }, outdated ? undefined : found)
    })
  const containers = [...named(false, spec?.containers), ...named(true, spec?.initContainers)]
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    present: hasTemplate(metadata?.labels, containers, revision),
    deleting: metadata?.deletionTimestamp !== undefined,
    // An evicted or finished pod will never run again: it says nothing about the version (B31).
    ended: hasEnded(raw as V1Pod),
    ready: ready?.status === 'True',
    containers,
    unschedulable:
      scheduled?.status === 'False' ? (scheduled.message ?? scheduled.reason ?? 'unschedulable') : undefined,
    nodeLost: isNodeLost(status),
    overdue: overdue(raw as V1Pod),
    created: latest([metadata?.creationTimestamp]),
    stepped: latest([
      metadata?.creationTimestamp,
      status?.startTime,
      ...(status?.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime),
      ...statuses.flatMap(({ state, lastState }) => [
        state?.running?.startedAt,
        state?.terminated?.finishedAt,
        lastState?.terminated?.finishedAt,
      ]),
    ]),
    changed: latest((metadata?.managedFields ?? []).map(({ time }) => time)),
  }
}

export const hasEnded = ({ status }: V1Pod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded'

/** Whether a pod has the present template. Without a label it must have the images: those of its spec, or what really runs. */
function hasTemplate(
  labels: V1ObjectMeta['labels'] = {},
  containers: readonly PodContainer[],
  { label, present, images }: Revision,
): boolean {
  if (label !== undefined) return present !== undefined && labels[label] === present
  return (images ?? []).every(({ name, image }) => {
    const found = containers.find((container) => container.name === name)
    return found?.image === image || (found?.digest !== undefined && found.digest === digestOf(image))
  })
}

/** Reasons of a container that waits for its image. Their messages name it. */
export const pulling: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
])

/**
 * Whether the status of a container is about this image. If the image of a Pod changes, its status says for some time what was
 * true of the image before. Without a digest in the image one cannot tell.
 */
function isAboutImage(image: string, { state, imageID }: V1ContainerStatus): boolean {
  const digest = digestOf(image)
  if (digest === undefined) return true
  const { reason = '', message = '' } = state?.waiting ?? {}
  if (pulling.has(reason)) return message.includes(digest)
  const ran = runningDigest(imageID)
  return ran === undefined || ran === digest
}

/** Without a repository it is the digest of a configuration, which no registry serves as an image. */
const runningDigest = (imageID: string | undefined): string | undefined =>
  imageID?.match(/@(sha256:[0-9a-f]{64})$/)?.[1]

function isNodeLost({ phase, reason, conditions }: V1PodStatus = {}): boolean {
  const [ready, containersReady] = ['Ready', 'ContainersReady'].map((type) =>
    conditions?.find((candidate) => candidate.type === type),
  )
  if (phase === 'Unknown' || ready?.status === 'Unknown') return true
  if (reason?.startsWith('Node') || ready?.reason?.startsWith('Node')) return true
  // The node lifecycle controller takes Ready away and leaves what the kubelet said of the containers (MarkPodsNotReady).
  return ready?.status === 'False' && !ready.reason && containersReady?.status === 'True'
}

function podContainer(
  container: Pick<PodContainer, 'name' | 'image' | 'init' | 'outdated'>,
  status: V1ContainerStatus | undefined,
): PodContainer {
  const waiting = status?.state?.waiting
  const exit = status?.state?.terminated ?? status?.lastState?.terminated
  return {
    ...container,
    digest: runningDigest(status?.imageID),
    waiting: waiting && { reason: waiting.reason ?? 'Waiting', message: waiting.message ?? '' },
    exit: exit && { code: exit.exitCode, reason: exit.reason ?? '', message: exit.message ?? '' },
    unreadySince: status?.ready === true ? undefined : inSeconds(status?.state?.running?.startedAt),
    terminated: status?.state?.terminated !== undefined,
    restarts: status?.restartCount ?? 0,
  }
}

const inSeconds = (time: Date | string | undefined): string | undefined =>
  time === undefined ? undefined : timestamp(Date.parse(String(time)))

/** A kubelet takes a pod, and lets a deleted one go, within seconds. */
const kubeletMs = 10_000

/** A deleted pod is there until its kubelet lets it go; a scheduled one has no start time until its kubelet has taken it. */
function overdue({ metadata, spec, status }: V1Pod): number {
  if (metadata?.deletionTimestamp !== undefined) return latest([metadata.deletionTimestamp]) + kubeletMs
  if (spec?.nodeName && status?.startTime === undefined) return latest([metadata?.creationTimestamp]) + kubeletMs
  return Number.POSITIVE_INFINITY
}

/** The API server sends times as text. 0 if there is none. */
const latest = (times: readonly (Date | string | undefined)[]): number =>
  Math.max(0, ...times.flatMap((time) => (time === undefined || time === null ? [] : [Date.parse(String(time))])))

const live = ({ deleting, ended }: Pod): boolean => !deleting && !ended
/** The live pods of the present template: only they say something about the version. */
export const presentPods = (pods: readonly Pod[]): readonly Pod[] => pods.filter((each) => each.present && live(each))

/** Whether it is its node, and not its version, that keeps a pod unavailable. */
export const isLost = ({ unschedulable, nodeLost, overdue }: Pod, now: number): boolean =>
  unschedulable !== undefined || nodeLost || now > overdue
