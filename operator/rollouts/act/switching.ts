/** The writes of a strategy that switches users from one workload to another. */
import { isNotFound, oldView } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath, services } from '../../kubernetes/resource-path.ts'
import { type ServiceObject, serviceObject } from '../observe/service-object.ts'
import { workloadKind } from '../workloads/kinds.ts'
import type { SelectorChange, WorkloadRef } from '../workloads/workload.ts'

/**
 * Sets the replicas of a workload that is still as it was observed, through its scale subresource, as autoscalers do: then
 * cvmanager does not come to own the field of the workload itself.
 * @throws ApiError: 409 if the workload has changed since, 404 if it is gone
 */
export async function scaleWorkload(client: ApiClient, of: WorkloadRef, replicas: number): Promise<void> {
  const { kind, namespace, name, resourceVersion } = of
  const path = resourcePath(workloadKind(kind), { namespace, name, subresource: 'scale' })
  // No two objects ever have the same resourceVersion: it tells one that was made anew, too.
  await client.mergePatch(path, { metadata: { resourceVersion }, spec: { replicas } })
}

/**
 * Patches those labels of a Service's selector that differ, if the Service is still as it was observed.
 * @throws ApiError: 409 if it has changed since, or has been made anew
 */
export async function patchSelector(client: ApiClient, { of, selector, seen }: SelectorChange): Promise<ServiceObject> {
  const { namespace, name, uid, resourceVersion } = of
  const set = Object.entries(selector).filter(([key, value]) => seen[key] !== value)
  const removed = Object.keys(seen).filter((key) => !(key in selector))
  const labels = Object.fromEntries([...set, ...removed.map((key) => [key, null])])
  const patch = { metadata: { uid, resourceVersion }, spec: { selector: labels } }
  try {
    return serviceObject(await client.mergePatch(resourcePath(services, { namespace, name }), patch))
  } catch (thrown) {
    if (isNotFound(thrown)) throw oldView(`Service ${namespace}/${name}`)
    throw thrown
  }
}
