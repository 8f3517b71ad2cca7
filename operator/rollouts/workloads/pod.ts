import type { V1Pod } from '@kubernetes/client-node'
import { hasEnded, isAboutImage } from './pods.ts'
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
  fieldsOf,
})

function fieldsOf(object: V1Pod) {
  const isReady = object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const progress = progressOf(object, isReady)
  const statuses = [...(object.status?.containerStatuses ?? []), ...(object.status?.initContainerStatuses ?? [])]
  return {
    progress,
    availablePods: isReady ? 1 : 0,
    missingPods: progress.state === 'healthy' ? 0 : 1,
    restarts: Math.max(0, ...statuses.map(({ restartCount }) => restartCount)),
    ended: hasEnded(object),
  }
}

function progressOf({ spec, status }: V1Pod, isReady: boolean): Health {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const behind = [...(spec?.containers ?? []), ...sidecars].filter(({ name, image = '' }) => {
    const found = statuses.find((container) => container.name === name)
    return found === undefined || found.state?.running === undefined || !isAboutImage(image, found)
  })
  if (behind.length > 0) {
    const names = behind.map(({ name }) => name).join(', ')
    return waiting(`container ${names} does not run with its image yet`)
  }
  return isReady ? healthy : waiting('it runs, and is not ready')
}

function revisionOf({ uid, containers }: WorkloadObject): Revision {
  return { controllers: new Set(), itself: uid, label: undefined, present: undefined, images: containers }
}
