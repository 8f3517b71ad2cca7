import { type RawWorkload, strip } from './strip.ts'
import type { Health, WorkloadKind, WorkloadObject } from './workload.ts'

interface RawDeployment extends RawWorkload {
  readonly spec: RawWorkload['spec'] & { readonly replicas?: number; readonly paused?: boolean }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly availableReplicas?: number
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
  }
}

/** As `kubectl rollout status` judges it (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). */
export const deployment: WorkloadKind = {
  kind: 'Deployment',
  group: 'apps',
  version: 'v1',
  plural: 'deployments',

  strip(raw) {
    const object = raw as RawDeployment
    const { spec, status = {} } = object
    const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
    return strip('Deployment', object, {
      wanted: spec.replicas ?? 1,
      paused: spec.paused ?? false,
      observedGeneration: status.observedGeneration ?? 0,
      replicas: status.replicas ?? 0,
      updated: status.updatedReplicas ?? 0,
      available: status.availableReplicas ?? 0,
      overdue: progressing?.reason === 'ProgressDeadlineExceeded' ? (progressing.message ?? progressing.reason) : '',
    })
  },

  progress({ generation, figures }: WorkloadObject): Health {
    const { wanted, paused, observedGeneration, replicas, updated, available, overdue } = figures as {
      wanted: number
      paused: boolean
      observedGeneration: number
      replicas: number
      updated: number
      available: number
      overdue: string
    }
    if (paused) return { state: 'waiting', reason: 'it is paused; resume it with `kubectl rollout resume`' }
    if (observedGeneration < generation) return { state: 'waiting', reason: 'its change is not observed yet' }
    if (overdue !== '') return { state: 'stuck', reason: overdue }
    if (updated < wanted) return { state: 'waiting', reason: `${updated} of ${wanted} pods updated` }
    if (replicas > updated) return { state: 'waiting', reason: `${replicas - updated} old pods still to go` }
    if (available < updated) return { state: 'waiting', reason: `${available} of ${updated} pods available` }
    return { state: 'healthy' }
  },
}
