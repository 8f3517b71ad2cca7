import type { V1Deployment } from '@kubernetes/client-node'
import { appsKind, healthy, paused, waiting } from './strip.ts'
import type { Health } from './workload.ts'

export const deployment = appsKind('Deployment', 'deployments', (object: V1Deployment) => ({
  progress: progress(object),
  availablePods: object.status?.availableReplicas ?? 0,
}))

/** As `kubectl rollout status` judges it (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). */
function progress({ metadata, spec, status }: V1Deployment): Health {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0, conditions } = status ?? {}
  const wanted = spec?.replicas ?? 1
  if (spec?.paused) return paused
  if (observedGeneration < (metadata?.generation ?? 0)) return waiting('its change is not observed yet')
  const progressing = conditions?.find(({ type }) => type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    return { state: 'stuck', reason: progressing.message || progressing.reason }
  if (updatedReplicas < wanted) return waiting(`${updatedReplicas} of ${wanted} pods updated`)
  if (replicas > updatedReplicas) return waiting(`${replicas - updatedReplicas} old pods still to go`)
  if (availableReplicas < updatedReplicas) return waiting(`${availableReplicas} of ${updatedReplicas} pods available`)
  return healthy
}
