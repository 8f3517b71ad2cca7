import { isConflict, isNotFound } from '../cluster/api-error.ts'
import type { ApiClient } from '../cluster/client.ts'
import { workloadKind, workloadPath } from './kinds.ts'
import { ownedByUs } from './strip.ts'
import type { ImageChange, WorkloadObject } from './workload.ts'

interface Managed {
  readonly metadata: {
    readonly resourceVersion: string
    readonly managedFields?: readonly {
      readonly manager?: string
      readonly operation?: string
      readonly subresource?: string
    }[]
  }
}

/**
 * Patches the images of one workload, and nothing else of it, provided that it is still as it was looked at (B15).
 * @returns the workload afterwards, undefined where it is gone
 * @throws ApiError: 409 where it has changed since
 */
export async function changeImages(client: ApiClient, change: ImageChange): Promise<WorkloadObject | undefined> {
  const { kind, uid, resourceVersion, images } = change
  const containers = images.map(({ name, image }) => ({ name, image }))
  // The UID makes sure that it is not another workload of the same name (B36).
  const patch = { metadata: { uid, resourceVersion }, spec: { template: { spec: { containers } } } }
  try {
    const raw = await client.strategicPatch(workloadPath(change), patch)
    const changed = workloadKind(kind).strip(raw)
    return changed.ownsAppliedImage ? await disown(client, changed, raw as Managed) : changed
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined
    throw thrown
  }
}

/**
 * Takes our entries out of `managedFields`, where another manager applies the workload server-side: else its next apply
 * would end in a conflict. Changes no pod. Somebody else's change in between is no failure: it is tried at the next look.
 */
export async function disown(client: ApiClient, workload: WorkloadObject, known?: Managed): Promise<WorkloadObject> {
  const path = workloadPath(workload)
  const raw = known ?? (await client.get<Managed>(path))
  const { resourceVersion, managedFields = [] } = raw.metadata
  const others = managedFields.filter((entry) => !ownedByUs(entry))
  if (others.length === managedFields.length) return workload
  try {
    const disowned = await client.mergePatch(path, { metadata: { resourceVersion, managedFields: others } })
    return workloadKind(workload.kind).strip(disowned)
  } catch (thrown) {
    if (isConflict(thrown) || isNotFound(thrown)) return workload
    throw thrown
  }
}
