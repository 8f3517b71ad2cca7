import { isConflict, isInvalid, isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
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
    return changed.imageIsOurs && changed.imageIsApplied ? await disown(client, changed, raw as Managed) : changed
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined
    throw thrown
  }
}

/** As it is now; undefined where it is gone, or another. @throws ApiError */
export async function readWorkload(client: ApiClient, known: WorkloadObject): Promise<WorkloadObject | undefined> {
  try {
    const now = workloadKind(known.kind).strip(await client.get(workloadPath(known)))
    return now.uid === known.uid ? now : undefined
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined
    throw thrown
  }
}

/** The workload's own controller writes at the same time, and with each write the entries may change places. */
const attempts = 5

/**
 * Takes our entries out of `managedFields`, where another manager applies the workload server-side: else its next apply
 * would end in a conflict. Changes no pod. What does not succeed now is tried at the next look.
 */
export async function disown(client: ApiClient, workload: WorkloadObject, known?: Managed): Promise<WorkloadObject> {
  const path = workloadPath(workload)
  let seen = known
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      seen ??= await client.get<Managed>(path)
      const patch = withoutOurs(seen.metadata.managedFields ?? [])
      return workloadKind(workload.kind).strip(patch.length === 0 ? seen : await client.jsonPatch(path, patch))
    } catch (thrown) {
      if (isNotFound(thrown)) return workload
      if (!isConflict(thrown) && !isInvalid(thrown)) throw thrown
      seen = undefined
    }
  }
  return workload
}

/** Last first, so that the places of those before stay; each only if it is still the one that was seen there. */
function withoutOurs(entries: NonNullable<Managed['metadata']['managedFields']>): readonly object[] {
  const ours = entries.flatMap((entry, index) =>
    ownedByUs(entry) ? [{ entry, path: `/metadata/managedFields/${index}` }] : [],
  )
  return ours.reverse().flatMap(({ entry, path }) => [
    { op: 'test', path: `${path}/manager`, value: entry.manager },
    { op: 'test', path: `${path}/operation`, value: entry.operation },
    { op: 'remove', path },
  ])
}
