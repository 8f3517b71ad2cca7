import type { V1StatefulSet } from '@kubernetes/client-node'
import { appsKind, healthy, isObserved, onDelete, waiting } from './strip.ts'
import type { Health, Revision, WorkloadObject } from './workload.ts'

export const statefulSet = appsKind('StatefulSet', 'statefulsets', fieldsOf, { templates: undefined, revisionOf })

function fieldsOf(object: V1StatefulSet) {
  const { spec, status } = object
  const [toUpdate, available, observed] = [toUpdateOf(object), availablePodsOf(object), isObserved(object)]
  return {
    progress: progress(object),
    availablePods: available,
    missingPods: observed
      ? Math.max(0, toUpdate - (status?.updatedReplicas ?? 0), wantedOf(object) - available)
      : undefined,
    uncreatedPods: Math.max(0, wantedOf(object) - (status?.replicas ?? 0)),
    revision: observed ? status?.updateRevision : undefined,
    // kubernetes.io, StatefulSets, "Forced rollback": a broken pod must be deleted by hand, even if the template is good.
    // The partition counts from the first ordinal (updateStatefulSet in k8s.io/kubernetes/pkg/controller/statefulset).
    waitsFromOrdinal: isOnDelete(object) ? undefined : (spec?.ordinals?.start ?? 0) + partitionOf(object),
  }
}

const isOnDelete = ({ spec }: V1StatefulSet): boolean => spec?.updateStrategy?.type === 'OnDelete'
const partitionOf = ({ spec }: V1StatefulSet): number => spec?.updateStrategy?.rollingUpdate?.partition ?? 0
const availablePodsOf = ({ status }: V1StatefulSet): number => status?.availableReplicas ?? status?.readyReplicas ?? 0
const wantedOf = ({ spec }: V1StatefulSet): number => spec?.replicas ?? 1
/** The controller does not update the pods below the partition. */
const toUpdateOf = (object: V1StatefulSet): number => Math.max(0, wantedOf(object) - partitionOf(object))

/** As `kubectl rollout status` judges it. */
function progress(object: V1StatefulSet): Health {
  const { updatedReplicas = 0, currentRevision, updateRevision } = object.status ?? {}
  const [wanted, toUpdate, available] = [wantedOf(object), toUpdateOf(object), availablePodsOf(object)]
  if (!isObserved(object)) return waiting('its change is not observed yet')
  const allUpdated = currentRevision === updateRevision
  const updated = partitionOf(object) > 0 ? updatedReplicas >= toUpdate : allUpdated || updatedReplicas >= wanted
  if (!updated) {
    if (isOnDelete(object)) return onDelete(updatedReplicas, toUpdate)
    return waiting(`${updatedReplicas} of ${toUpdate} pods updated`)
  }
  if (available < wanted) return waiting(`${available} of ${wanted} pods available`)
  return healthy
}

function revisionOf({ uid, revision }: WorkloadObject): Revision {
  return { controllers: new Set([uid]), label: 'controller-revision-hash', present: revision }
}
