import type { V1Pod } from '@kubernetes/client-node'
import { hasEnded } from './pods.ts'
import { healthy, waiting, workloadKindOf } from './strip.ts'
import type { Health, Revision, WorkloadObject } from './workload.ts'

/**
 * A Pod that nothing controls. Of its spec, Kubernetes lets one change little more than the images (B12). The kubelet restarts a
 * container whose image changes, whatever the restartPolicy, but does not run an init container again.
 */
export const barePod = workloadKindOf({
  kind: 'Pod',
  group: '',
  plural: 'pods',
  podTemplate: [],
  rolls: 'ByPatch',
  watched: {
    // The controllers of Kubernetes label their pods.
    labelSelector: [
      'pod-template-hash',
      'controller-revision-hash',
      'batch.kubernetes.io/controller-uid',
      'controller-uid',
      'job-name',
    ]
      .map((label) => `!${label}`)
      .join(','),
    fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
  },
  templates: undefined,
  revisionOf,
  progressOf,
  fieldsOf,
})

const notReady = waiting('it is not ready')

function fieldsOf(object: V1Pod) {
  const { status } = object
  const isReady = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  return {
    progress: isReady ? healthy : notReady,
    availablePods: isReady ? 1 : 0,
    missingPods: isReady ? 0 : 1,
    restarts: Math.max(0, ...statuses.map(({ restartCount }) => restartCount)),
    ended: hasEnded(object),
  }
}

/** It may be ready with the image before. Its pod is read later than the object was: what the object said may be over. */
function progressOf(
  { progress }: WorkloadObject,
  counts: { readonly updated: number; readonly ready: number },
): Health {
  if (counts.updated === 0) return waiting('the kubelet has not restarted it with its image yet')
  return counts.ready === 0 ? notReady : progress
}

function revisionOf({ uid, containers }: WorkloadObject): Revision {
  return { controllers: new Set(), itself: uid, label: undefined, present: undefined, images: containers }
}
