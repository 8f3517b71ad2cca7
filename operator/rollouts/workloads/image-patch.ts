import type { V1ManagedFieldsEntry } from '@kubernetes/client-node'
import { isConflict, isInvalid, isNotFound, undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { workloadKind, workloadPath } from './kinds.ts'
import { ownedByUs } from './strip.ts'
import type { ImageChange, WorkloadObject, WorkloadRef } from './workload.ts'

/**
 * Patches the images of one workload and nothing else of it, if the workload is still as it was observed (B15).
 * @returns the workload afterwards; undefined if it is gone
 * @throws ApiError: 409 if it has changed since
 */
export async function patchImages(client: ApiClient, { of, images }: ImageChange): Promise<WorkloadObject | undefined> {
  const { kind, uid, resourceVersion } = of
  const inList = (init: boolean) =>
    images.filter((container) => (container.init ?? false) === init).map(({ name, image }) => ({ name, image }))
  // The API server merges these lists by name.
  const lists = Object.entries({ containers: inList(false), initContainers: inList(true) })
  const pod = Object.fromEntries(lists.filter(([, list]) => list.length > 0))
  // The UID excludes another workload of the same name (B36).
  const patch = { ...nested(workloadKind(kind).podTemplate, { spec: pod }), metadata: { uid, resourceVersion } }
  const patched = await client.strategicPatch(workloadPath(of), patch).catch(undefinedIfNotFound)
  return patched === undefined ? undefined : workloadKind(kind).strip(patched)
}

/** An object with a value at a path. */
function nested(path: readonly string[], value: object): object {
  return path.reduceRight<object>((inner, key) => ({ [key]: inner }), value)
}

/**
 * Patches the images of a workload that changes all the time, such as by an autoscaler: if the images are as they were seen,
 * whatever else has changed.
 * @throws ApiError: 422 if an image has changed since
 */
export async function patchSeenImages(client: ApiClient, { of, images, seen }: ImageChange): Promise<WorkloadObject> {
  const changes = images.flatMap(({ name, image, init }) => {
    const list = seen.containers.filter((container) => container.init === init)
    const index = list.findIndex((container) => container.name === name)
    const path = `/${[...workloadKind(of.kind).podTemplate, 'spec'].join('/')}/${init ? 'initContainers' : 'containers'}/${index}`
    return [
      { op: 'test', path: `${path}/name`, value: name },
      { op: 'test', path: `${path}/image`, value: list[index]?.image },
      { op: 'replace', path: `${path}/image`, value: image },
    ]
  })
  const sameObject = { op: 'test', path: '/metadata/uid', value: of.uid }
  return workloadKind(of.kind).strip(await client.jsonPatch(workloadPath(of), [sameObject, ...changes]))
}

/** @returns the workload as the API server has it now; undefined if it is gone */
export async function workloadNow(client: ApiClient, of: WorkloadRef): Promise<WorkloadObject | undefined> {
  const found = await client.get(workloadPath(of)).catch(undefinedIfNotFound)
  return found === undefined ? undefined : workloadKind(of.kind).strip(found)
}

interface Managed {
  readonly metadata: { readonly managedFields?: readonly V1ManagedFieldsEntry[] }
}

/** The workload's own controller writes at the same time, and each write may reorder the entries. */
const maxAttempts = 5

/**
 * Removes cvmanager's entries from `managedFields` of a workload that another manager applies server-side: otherwise its
 * next apply would fail with a conflict. Changes no pod.
 * @returns the workload afterwards; undefined if it is gone, or conflicts leave the rest to the next reconcile
 * @throws ApiError
 */
export async function disown(client: ApiClient, of: WorkloadRef): Promise<WorkloadObject | undefined> {
  const path = workloadPath(of)
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    try {
      const seen = await client.get<Managed>(path)
      const patch = withoutOurs(seen.metadata.managedFields ?? [])
      return workloadKind(of.kind).strip(patch.length === 0 ? seen : await client.jsonPatch(path, patch))
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined
      // A list of entries that has changed meanwhile is refused as invalid, too.
      const isRace = isConflict(thrown) || (isInvalid(thrown) && attempt < maxAttempts)
      if (!isRace) throw thrown
    }
  }
  return undefined
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
