import type { V1StatefulSet } from '@kubernetes/client-node'
import { appsKind, healthy, onDelete, waiting } from './strip.ts'
import type { Health } from './workload.ts'

export const statefulSet = appsKind('StatefulSet', 'statefulsets', (object: V1StatefulSet) => ({
  progress: progress(object),
  availablePods: availablePodsOf(object),
  // kubernetes.io, StatefulSets, "Forced rollback": a broken pod must be deleted by hand, even if the template is good.
  waitsFromOrdinal: isOnDelete(object) ? undefined : partitionOf(object),
}))

const isOnDelete = ({ spec }: V1StatefulSet): boolean => spec?.updateStrategy?.type === 'OnDelete'
const partitionOf = ({ spec }: V1StatefulSet): number => spec?.updateStrategy?.rollingUpdate?.partition ?? 0
const availablePodsOf = ({ status }: V1StatefulSet): number => status?.availableReplicas ?? status?.readyReplicas ?? 0

/** As `kubectl rollout status` judges it: the controller does not update the pods below the partition. */
function progress(object: V1StatefulSet): Health {
  const { metadata, spec, status } = object
  const { observedGeneration = 0, updatedReplicas = 0, currentRevision, updateRevision } = status ?? {}
  const [wanted, partition, available] = [spec?.replicas ?? 1, partitionOf(object), availablePodsOf(object)]
  if (observedGeneration < (metadata?.generation ?? 0)) return waiting('its change is not observed yet')
  const toUpdate = Math.max(0, wanted - partition)
  const allUpdated = currentRevision === updateRevision
  const updated = partition > 0 ? updatedReplicas >= toUpdate : allUpdated || updatedReplicas >= wanted
  if (!updated) {
    if (isOnDelete(object)) return onDelete(updatedReplicas, toUpdate)
    return waiting(`${updatedReplicas} of ${toUpdate} pods updated`)
  }
  if (available < wanted) return waiting(`${available} of ${wanted} pods available`)
  return healthy
}
