import { type RawWorkload, strip } from './strip.ts'
import type { Health, WorkloadKind, WorkloadObject } from './workload.ts'

interface RawStatefulSet extends RawWorkload {
  readonly spec: RawWorkload['spec'] & {
    readonly replicas?: number
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly updatedReplicas?: number
    readonly availableReplicas?: number
    readonly readyReplicas?: number
    readonly currentRevision?: string
    readonly updateRevision?: string
  }
}

const ordinalOf = (pod: string): number => Number(pod.slice(pod.lastIndexOf('-') + 1))

/** As `kubectl rollout status` judges it; pods below the partition are not to be updated. */
export const statefulSet: WorkloadKind = {
  kind: 'StatefulSet',
  group: 'apps',
  version: 'v1',
  plural: 'statefulsets',

  strip(raw) {
    const object = raw as RawStatefulSet
    const { spec, status = {} } = object
    return strip('StatefulSet', object, {
      wanted: spec.replicas ?? 1,
      partition: spec.updateStrategy?.rollingUpdate?.partition ?? 0,
      byHand: spec.updateStrategy?.type === 'OnDelete',
      observedGeneration: status.observedGeneration ?? 0,
      updated: status.updatedReplicas ?? 0,
      available: status.availableReplicas ?? status.readyReplicas ?? 0,
      allUpdated: status.currentRevision === status.updateRevision,
    })
  },

  progress({ generation, figures }: WorkloadObject): Health {
    const { wanted, partition, byHand, observedGeneration, updated, available, allUpdated } = figures as {
      wanted: number
      partition: number
      byHand: boolean
      observedGeneration: number
      updated: number
      available: number
      allUpdated: boolean
    }
    if (observedGeneration < generation) return { state: 'waiting', reason: 'its change is not observed yet' }
    const toUpdate = Math.max(0, wanted - partition)
    const done = partition > 0 ? updated >= toUpdate : allUpdated || updated >= wanted
    if (!done) {
      const how = byHand ? '; its updateStrategy is OnDelete: delete the pods, or set RollingUpdate' : ''
      return { state: 'waiting', reason: `${updated} of ${toUpdate} pods updated${how}` }
    }
    if (available < wanted) return { state: 'waiting', reason: `${available} of ${wanted} pods available` }
    return { state: 'healthy' }
  },

  // kubernetes.io, StatefulSets, "Forced rollback": a broken pod has to be deleted by hand, also when the template is good.
  waitsForPod({ figures }, pod) {
    return figures.byHand !== true && ordinalOf(pod) >= Number(figures.partition)
  },
}
