import { type RawWorkload, strip } from './strip.ts'
import type { Health, WorkloadKind, WorkloadObject } from './workload.ts'

interface RawDaemonSet extends RawWorkload {
  readonly spec: RawWorkload['spec'] & { readonly updateStrategy?: { readonly type?: string } }
  readonly status?: {
    readonly observedGeneration?: number
    readonly desiredNumberScheduled?: number
    readonly updatedNumberScheduled?: number
    readonly numberAvailable?: number
  }
}

/** As `kubectl rollout status` judges it. */
export const daemonSet: WorkloadKind = {
  kind: 'DaemonSet',
  group: 'apps',
  version: 'v1',
  plural: 'daemonsets',

  strip(raw) {
    const object = raw as RawDaemonSet
    const { spec, status = {} } = object
    return strip('DaemonSet', object, {
      wanted: status.desiredNumberScheduled ?? 0,
      byHand: spec.updateStrategy?.type === 'OnDelete',
      observedGeneration: status.observedGeneration ?? 0,
      updated: status.updatedNumberScheduled ?? 0,
      available: status.numberAvailable ?? 0,
    })
  },

  progress({ generation, figures }: WorkloadObject): Health {
    const { wanted, byHand, observedGeneration, updated, available } = figures as {
      wanted: number
      byHand: boolean
      observedGeneration: number
      updated: number
      available: number
    }
    if (observedGeneration < generation) return { state: 'waiting', reason: 'its change is not observed yet' }
    if (updated < wanted) {
      const how = byHand ? '; its updateStrategy is OnDelete: delete the pods, or set RollingUpdate' : ''
      return { state: 'waiting', reason: `${updated} of ${wanted} pods updated${how}` }
    }
    if (available < wanted) return { state: 'waiting', reason: `${available} of ${wanted} pods available` }
    return { state: 'healthy' }
  },
}
