import type { V1ManagedFieldsEntry } from '@kubernetes/client-node'
import { isConflict, isInvalid, isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { workloadKind, workloadPath } from './kinds.ts'
import { ownedByUs } from './strip.ts'
import type { ImageChange, WorkloadObject, WorkloadRef } from './workload.ts'

interface Managed {
  readonly metadata: { readonly managedFields?: readonly V1ManagedFieldsEntry[] }
}

/**
 * Patches the images of one workload and nothing else of it, if the workload is still as it was observed (B15).
 * @returns the workload afterwards; undefined if it is gone
 * @throws ApiError: 409 if it has changed since
 */
export async function patchImages(client: ApiClient, { of, images }: ImageChange): Promise<WorkloadObject | undefined> {
  const { kind, uid, resourceVersion } = of
  const containers = images.map(({ name, image }) => ({ name, image }))
  // The UID excludes another workload of the same name (B36).
  const patch = { metadata: { uid, resourceVersion }, spec: { template: { spec: { containers } } } }
  try {
    const raw = await client.strategicPatch<Managed>(workloadPath(of), patch)
    const changed = workloadKind(kind).strip(raw)
    return changed.mustDisown ? await disown(client, of, raw) : changed
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined
    throw thrown
  }
}

/** The workload's own controller writes at the same time, and each write may reorder the entries. */
const maxAttempts = 5

/**
 * Removes cvmanager's entries from `managedFields` of a workload that another manager applies server-side: otherwise its
 * next apply would fail with a conflict. Changes no pod. After too many conflicts it leaves the rest to the next reconcile.
 * @param known the object as the API server has just sent it
 * @returns the workload afterwards; undefined if it is gone, or was not read
 * @throws ApiError
 */
export async function disown(client: ApiClient, of: WorkloadRef, known?: Managed): Promise<WorkloadObject | undefined> {
  const path = workloadPath(of)
  let seen = known
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    try {
      seen ??= await client.get<Managed>(path)
      const patch = withoutOurs(seen.metadata.managedFields ?? [])
      return workloadKind(of.kind).strip(patch.length === 0 ? seen : await client.jsonPatch(path, patch))
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined
      if (!isConflict(thrown) && !isInvalid(thrown)) throw thrown
      seen = undefined
    }
  }
  return known && workloadKind(of.kind).strip(known)
}

/** Removes the last entry first, so that those before it keep their places, and each only if it is still the one seen. */
function withoutOurs(entries: readonly V1ManagedFieldsEntry[]): readonly object[] {
  const ours = entries.flatMap((entry, index) =>
    ownedByUs(entry) ? [{ entry, path: `/metadata/managedFields/${index}` }] : [],
  )
  return ours.reverse().flatMap(({ entry, path }) => [
    { op: 'test', path: `${path}/manager`, value: entry.manager },
    { op: 'test', path: `${path}/operation`, value: entry.operation },
    { op: 'remove', path },
  ])
}
