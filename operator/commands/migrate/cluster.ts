/** The old objects of a cluster. */
import { isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { Resource } from '../../kubernetes/resource-path.ts'
import { workloadKinds } from '../../rollouts/workloads/kinds.ts'
import { listAll } from '../get.ts'
import { oldGroup } from './convert.ts'
import { type ConvertedManifests, convertManifests } from './documents.ts'
import { isMap, type Json } from './fields.ts'
import { type Labelled, labelled } from './named-workload.ts'

export interface OldKind extends Resource {
  readonly kind: string
}

const oldResources: readonly OldKind[] = [
  { kind: 'ContainerVersion', group: oldGroup, version: 'v1', plural: 'containerversions' },
  { kind: 'KCD', group: oldGroup, version: 'v1', plural: 'kcds' },
]

export interface OldObject {
  readonly resource: OldKind
  readonly raw: Json
}

/** Without those that are being deleted. @param namespace undefined: all */
export async function oldObjects(client: ApiClient, namespace: string | undefined): Promise<readonly OldObject[]> {
  const lists = oldResources.map(async (resource) => {
    const { group, version, kind } = resource
    const found = await listAll(client, resource, namespace).catch(noneIfNotServed)
    return found
      .filter(isMap)
      .filter(({ metadata }) => isMap(metadata) && metadata.deletionTimestamp === undefined)
      .map((raw) => ({ resource, raw: { ...raw, apiVersion: `${group}/${version}`, kind } }))
  })
  return (await Promise.all(lists)).flat()
}

function noneIfNotServed(thrown: unknown): readonly unknown[] {
  if (isNotFound(thrown)) return []
  throw thrown
}

/** @param namespace undefined: all */
export async function convertCluster(client: ApiClient, namespace: string | undefined): Promise<ConvertedManifests> {
  const objects = await oldObjects(client, namespace)
  if (objects.length === 0) return convertManifests([])
  const list = { kind: 'List', items: objects.map(({ raw }) => raw) }
  const workloads = await workloadsFor(client, objects, namespace)
  return convertManifests([{ name: 'the cluster', text: JSON.stringify(list) }], workloads)
}

/** What the objects of early 2018 may name; nothing if none of them names something. */
export async function workloadsFor(
  client: ApiClient,
  objects: readonly OldObject[],
  namespace: string | undefined,
): Promise<readonly Labelled[]> {
  if (!objects.some(({ raw }) => isMap(raw.spec) && isMap(raw.spec.deployment) && !isMap(raw.spec.selector))) return []
  const lists = workloadKinds.map(async (resource) => {
    const found = await listAll(client, resource, namespace, resource.watched)
    return found.filter(isMap).map((raw) => labelled({ ...raw, kind: resource.kind }))
  })
  return (await Promise.all(lists)).flat()
}
