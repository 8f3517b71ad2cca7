import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node'
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
  /** The `sha256:…` digest that really runs, from `imageID` in the status. */
  readonly digest: string | undefined
  readonly waiting: { readonly reason: string; readonly message: string } | undefined
  /** Since when it runs, without being ready. */
  readonly unreadySince: string | undefined
  /** How it ended last. */
  readonly exit: { readonly code: number; readonly reason: string; readonly message: string } | undefined
  readonly restarts: number
}

/** Whether a pod, as the API server sends it, is a workload's own: its labels alone say nothing. */
export function isOwn(raw: unknown, { controllers }: Revision): boolean {
  const controller = controllerOf((raw as V1Pod).metadata)
  return controller !== undefined && controllers.has(controller)
}

/** @param raw a pod as the API server sends it */
export function pod(raw: unknown, { label, present }: Revision): Pod {
  const { metadata, spec, status } = raw as V1Pod
  const condition = (type: string) => status?.conditions?.find((candidate) => candidate.type === type)
  const scheduled = condition('PodScheduled')
  const ready = condition('Ready')
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const named = (init: boolean, containers: readonly { name: string; image?: string }[] = []) =>
    containers.map(({ name, image = '' }) =>
      podContainer(
        { name, image, init },
        statuses.find((candidate) => candidate.name === name),
      ),
    )
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    present: present !== undefined && metadata?.labels?.[label] === present,
    deleting: metadata?.deletionTimestamp !== undefined,
    // An evicted or finished pod will never run again: it says nothing about the version (B31).
    ended: status?.phase === 'Failed' || status?.phase === 'Succeeded',
    ready: ready?.status === 'True',
    containers: [...named(false, spec?.containers), ...named(true, spec?.initContainers)],
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
  container: Pick<PodContainer, 'name' | 'image' | 'init'>,
  status: V1ContainerStatus | undefined,
): PodContainer {
  const waiting = status?.state?.waiting
  const exit = status?.lastState?.terminated ?? status?.state?.terminated
  return {
    ...container,
    // Without a repository it is the digest of a configuration, which no registry serves as an image.
    digest: status?.imageID?.match(/@(sha256:[0-9a-f]{64})$/)?.[1],
    waiting: waiting && { reason: waiting.reason ?? 'Waiting', message: waiting.message ?? '' },
    exit: exit && { code: exit.exitCode, reason: exit.reason ?? '', message: exit.message ?? '' },
    unreadySince: status?.ready === true ? undefined : inSeconds(status?.state?.running?.startedAt),
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
