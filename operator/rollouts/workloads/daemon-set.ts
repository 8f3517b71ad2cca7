import type { V1DaemonSet } from '@kubernetes/client-node'
import { appsKind, healthy, waiting } from './strip.ts'
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
    const hint =
      spec?.updateStrategy?.type === 'OnDelete'
        ? '; its updateStrategy is OnDelete: delete the pods, or set RollingUpdate'
        : ''
    return waiting(`${updatedNumberScheduled} of ${wanted} pods updated${hint}`)
  }
  if (numberAvailable < wanted) return waiting(`${numberAvailable} of ${wanted} pods available`)
  return healthy
}
