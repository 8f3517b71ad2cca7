import type { V1ReplicaSet } from '@kubernetes/client-node'
import { appsKind, healthy, isObserved, onDelete, refused, waiting } from './strip.ts'
import type { Health, Revision, WorkloadObject } from './workload.ts'

/** One that no Deployment controls. Its template changes, and its pods do not: it makes new ones only for those that are gone. */
export const replicaSet = appsKind('ReplicaSet', 'replicasets', fieldsOf, {
  // A Deployment labels its ReplicaSets.
  watched: { labelSelector: '!pod-template-hash' },
  templates: undefined,
  revisionOf,
  progressOf,
})

function fieldsOf(object: V1ReplicaSet) {
  const available = object.status?.availableReplicas ?? 0
  const observed = isObserved(object)
  return {
    progress: progress(object),
    availablePods: available,
    missingPods: observed ? Math.max(0, wantedOf(object) - available) : undefined,
  }
}

const wantedOf = ({ spec }: V1ReplicaSet): number => spec?.replicas ?? 1

/** Whether it has its pods, of whatever template. */
function progress(object: V1ReplicaSet): Health {
  const { availableReplicas = 0, conditions = [] } = object.status ?? {}
  const wanted = wantedOf(object)
  if (!isObserved(object)) return waiting('its change is not observed yet')
  if (availableReplicas >= wanted) return healthy
  const reason = `${availableReplicas} of ${wanted} pods available`
  const failure = conditions.find(({ type }) => type === 'ReplicaFailure')
  return failure === undefined
    ? waiting(reason)
    : refused(`${reason}; it is refused: ${failure.message ?? failure.reason}`)
}

function progressOf(
  { progress, replicas: wanted = 1, podSelector, namespace }: WorkloadObject,
  { updated, ready }: { readonly updated: number; readonly ready: number },
): Health {
  if (progress.state === 'waiting' && progress.because !== undefined) return progress
  if (updated < wanted) {
    const command = `kubectl delete pod -l '${podSelector}' -n ${namespace}`
    return onDelete(updated, wanted, `a ReplicaSet does not replace its pods: delete them, all at once with ${command}`)
  }
  return ready < wanted ? waiting(`${ready} of ${wanted} pods ready`) : progress
}

function revisionOf({ uid, containers }: WorkloadObject): Revision {
  return { controllers: new Set([uid]), label: undefined, present: undefined, images: containers }
}
