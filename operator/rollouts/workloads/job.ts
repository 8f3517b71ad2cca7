import type { V1Job } from '@kubernetes/client-node'
import { healthy, workloadKindOf } from './strip.ts'
import type { Revision, WorkloadObject } from './workload.ts'

/** One that no CronJob controls. Kubernetes lets nobody change its template (B13). It belongs to the unit while it runs. */
export const job = workloadKindOf({
  kind: 'Job',
  group: 'batch',
  plural: 'jobs',
  podTemplate: ['spec', 'template'],
  rolls: 'Never',
  templates: undefined,
  revisionOf,
  fieldsOf,
})

function fieldsOf({ status }: V1Job) {
  const ended = status?.conditions?.some(
    (condition) => (condition.type === 'Complete' || condition.type === 'Failed') && condition.status === 'True',
  )
  return { progress: healthy, availablePods: status?.ready ?? 0, missingPods: 0, ended: ended ?? false }
}

function revisionOf({ uid, containers }: WorkloadObject): Revision {
  return { controllers: new Set([uid]), label: undefined, present: undefined, images: containers }
}
