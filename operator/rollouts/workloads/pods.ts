import type { Health, Pod, PodContainer } from './workload.ts'

interface RawState {
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly terminated?: { readonly reason?: string; readonly exitCode?: number }
}

interface RawPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
    readonly containerStatuses?: readonly {
      readonly name: string
      readonly imageID?: string
      readonly restartCount?: number
      readonly state?: RawState
    }[]
  }
}

/** @param raw a pod as the API server sends it */
export function pod(raw: unknown): Pod {
  const { metadata, spec, status = {} } = raw as RawPod
  const condition = (type: string) => status.conditions?.find((candidate) => candidate.type === type)
  const scheduled = condition('PodScheduled')
  const containers = spec.containers.map(({ name, image }): PodContainer => {
    const seen = status.containerStatuses?.find((candidate) => candidate.name === name)
    const { waiting, terminated } = seen?.state ?? {}
    return {
      name,
      image,
      digest: seen?.imageID?.match(/sha256:[0-9a-f]{64}$/)?.[0],
      waiting: waiting && { reason: waiting.reason ?? 'Waiting', message: waiting.message ?? '' },
      terminated: terminated && { reason: terminated.reason ?? 'Terminated', exitCode: terminated.exitCode ?? 0 },
      restarts: seen?.restartCount ?? 0,
    }
  })
  return {
    name: metadata.name,
    uid: metadata.uid,
    deleting: metadata.deletionTimestamp !== undefined,
    // An evicted or finished pod is not Running any more and never will be: it says nothing of the version (B31).
    ended: status.phase === 'Failed' || status.phase === 'Succeeded',
    ready: condition('Ready')?.status === 'True',
    containers,
    unschedulable:
      scheduled?.status === 'False' ? (scheduled.message ?? scheduled.reason ?? 'unschedulable') : undefined,
  }
}

/** Reasons for which the kubelet keeps a container waiting that no waiting mends (pkg/kubelet/images, kuberuntime). */
const hopeless: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'CreateContainerConfigError',
])

/** A container may crash while what it needs comes up; from this many restarts on it is not going to work. */
const restartsUntilStuck = 3

/**
 * What the pods tell of why a workload is not healthy yet.
 * @param images the images that are being rolled out: only pods that run one of them say something of the version
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
  const homeless = concerned.find(({ unschedulable }) => unschedulable !== undefined)
  return homeless && { state: 'waiting', reason: `pod ${homeless.name} is not scheduled: ${homeless.unschedulable}` }
}
