import { resourcePath } from '../../kubernetes/resource-path.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { statefulSet } from './stateful-set.ts'
import type { WorkloadKind } from './workload.ts'

/** Every kind that can be rolled out to: to add one takes a file and a line here. */
export const workloadKinds: readonly WorkloadKind[] = [deployment, statefulSet, daemonSet]

/** @throws Error for a kind that is not in `workloadKinds`: such an object is never in a store */
export function workloadKind(kind: string): WorkloadKind {
  const found = workloadKinds.find((candidate) => candidate.kind === kind)
  if (!found) throw new Error(`unknown workload kind ${kind}`)
  return found
}

/** The path of an object of a kind on the API server. */
export function workloadPath({
  kind,
  namespace,
  name,
}: {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}): string {
  return resourcePath(workloadKind(kind), { namespace, name })
}
