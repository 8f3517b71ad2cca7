import type { V1DaemonSet } from '@kubernetes/client-node'
import { healthy, strip, waiting } from './strip.ts'
import type { Health, WorkloadKind } from './workload.ts'

export const daemonSet: WorkloadKind = {
  kind: 'DaemonSet',
  group: 'apps',
  version: 'v1',
  plural: 'daemonsets',

  strip(raw) {
    const object = raw as V1DaemonSet
    return strip('DaemonSet', object, {
      progress: progress(object),
      availablePods: object.status?.numberAvailable ?? 0,
    })
  },
}

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
