import { healthy, workloadKindOf } from './strip.ts'
import type { Revision } from './workload.ts'

/** Its next runs have the new image. Runs that have begun are Jobs of its own: they end with the image that they began with. */
export const cronJob = workloadKindOf({
  kind: 'CronJob',
  group: 'batch',
  plural: 'cronjobs',
  podTemplate: ['spec', 'jobTemplate', 'spec', 'template'],
  rolls: 'AtNextRun',
  templates: undefined,
  revisionOf,
  fieldsOf: () => ({ progress: healthy, availablePods: 0, missingPods: 0 }),
})

function revisionOf(): Revision {
  return { controllers: new Set(), label: undefined, present: undefined }
}
