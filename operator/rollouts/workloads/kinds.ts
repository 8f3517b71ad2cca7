import { resourcePath } from '../../kubernetes/resource-path.ts'
import { cronJob } from './cron-job.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { job } from './job.ts'
import { barePod } from './pod.ts'
import { replicaSet } from './replica-set.ts'
import { statefulSet } from './stateful-set.ts'
import type { WorkloadKind, WorkloadRef } from './workload.ts'

/** Every kind of workload. To add one, add its file and a line here. */
export const workloadKinds: readonly WorkloadKind[] = [
  deployment,
  statefulSet,
  daemonSet,
  replicaSet,
  cronJob,
  job,
  barePod,
]

/** @throws Error for an unknown kind; no cache has such an object */
export function workloadKind(kind: string): WorkloadKind {
  const found = workloadKinds.find((candidate) => candidate.kind === kind)
  if (!found) throw new Error(`unknown workload kind ${kind}`)
  return found
}

/** The path of an object of a kind on the API server. */
export function workloadPath({ kind, namespace, name }: WorkloadRef): string {
  return resourcePath(workloadKind(kind), { namespace, name })
}
