import type { V1DaemonSet } from '@kubernetes/client-node'
import { appsKind, healthy, onDelete, waiting } from './strip.ts'
import type { Health } from './workload.ts'

export const daemonSet = appsKind('DaemonSet', 'daemonsets', (object: V1DaemonSet) => ({
  progress: progress(object),
  availablePods: object.status?.numberAvailable ?? 0,
}))

/** As `kubectl rollout status` judges it. */
function progress({ metadata, spec, status }: V1DaemonSet): Health {
  const { observedGeneration = 0, numberAvailable = 0, updatedNumberScheduled = 0 } = status ?? {}
  const wanted = status?.desiredNumberScheduled ?? 0
  if (observedGeneration < (metadata?.generation ?? 0)) return waiting('its change is not observed yet')
  if (updatedNumberScheduled < wanted) {
    if (spec?.updateStrategy?.type === 'OnDelete') return onDelete(updatedNumberScheduled, wanted)
    return waiting(`${updatedNumberScheduled} of ${wanted} pods updated`)
  }
  if (numberAvailable < wanted) return waiting(`${numberAvailable} of ${wanted} pods available`)
  return healthy
}
