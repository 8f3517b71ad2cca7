import type { V1Pod } from '@kubernetes/client-node'
import type { Health } from './workload.ts'

/** The fields in use of a pod. */
export interface Pod {
  readonly name: string
  readonly uid: string
  readonly ready: boolean
  readonly deleting: boolean
  /** Evicted, failed or finished: it will not run again. */
  readonly ended: boolean
  readonly containers: readonly PodContainer[]
  /** Why it is not scheduled; undefined if it is. */
  readonly unschedulable: string | undefined
}

interface PodContainer {
  readonly name: string
  /** As the pod's spec names it. */
  readonly image: string
  /** The `sha256:…` digest that really runs, from `imageID` in the status. */
  readonly digest: string | undefined
  readonly waiting: { readonly reason: string; readonly message: string } | undefined
  readonly restarts: number
}

/** @param raw a pod as the API server sends it */
export function pod(raw: unknown): Pod {
  const { metadata, spec, status } = raw as V1Pod
  const condition = (type: string) => status?.conditions?.find((candidate) => candidate.type === type)
  const scheduled = condition('PodScheduled')
  const containers = (spec?.containers ?? []).map(({ name, image = '' }): PodContainer => {
    const seen = status?.containerStatuses?.find((candidate) => candidate.name === name)
    const waiting = seen?.state?.waiting
    return {
      name,
      image,
      digest: seen?.imageID?.match(/sha256:[0-9a-f]{64}$/)?.[0],
      waiting: waiting && { reason: waiting.reason ?? 'Waiting', message: waiting.message ?? '' },
      restarts: seen?.restartCount ?? 0,
    }
  })
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    deleting: metadata?.deletionTimestamp !== undefined,
    // An evicted or finished pod will never run again: it says nothing about the version (B31).
    ended: status?.phase === 'Failed' || status?.phase === 'Succeeded',
    ready: condition('Ready')?.status === 'True',
    containers,
    unschedulable:
      scheduled?.status === 'False' ? (scheduled.message ?? scheduled.reason ?? 'unschedulable') : undefined,
  }
}

/** The kubelet's reasons for a waiting container that do not pass by themselves (pkg/kubelet/images, kuberuntime). */
const hopeless: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'CreateContainerConfigError',
])

/** A container may crash until the services that it needs are up. After this many restarts it counts as stuck. */
const restartsUntilStuck = 3

/**
 * Why a workload is not healthy yet, according to its pods.
 * @param images the images of the rollout: only pods that run one of them say something about the version
 */
export function podTrouble(pods: readonly Pod[], images: ReadonlySet<string>): Health | undefined {
  const concerned = pods.filter(
    (candidate) =>
      !candidate.deleting && !candidate.ended && candidate.containers.some(({ image }) => images.has(image)),
  )
  for (const { name, containers } of concerned) {
    for (const { name: container, waiting, restarts } of containers) {
      if (!waiting) continue
      const crashing = waiting.reason === 'CrashLoopBackOff' && restarts >= restartsUntilStuck
      if (!crashing && !hopeless.has(waiting.reason)) continue
      const times = crashing ? ` after ${restarts} restarts` : ''
      const why = waiting.message === '' ? '' : `: ${waiting.message}`
      return { state: 'stuck', reason: `container ${container} of pod ${name} is in ${waiting.reason}${times}${why}` }
    }
  }
  const pending = concerned.find(({ unschedulable }) => unschedulable !== undefined)
  return pending && { state: 'waiting', reason: `pod ${pending.name} is not scheduled: ${pending.unschedulable}` }
}
