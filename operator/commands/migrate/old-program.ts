/** Stops the old program in a cluster: its managers, and the Deployments that they made. */
import type { V1Deployment, V1ObjectMeta, V1Pod } from '@kubernetes/client-node'
import { isConflict, undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import { listAll } from '../get.ts'
import type { ObjectName } from '../object.ts'
import type { Json } from './fields.ts'
import { isOldManager, isSyncer, syncerLabel } from './manager.ts'

const deployments = { group: 'apps', version: 'v1', plural: 'deployments' } as const
const replicaSets = { group: 'apps', version: 'v1', plural: 'replicasets' } as const
const pods = { group: '', version: 'v1', plural: 'pods' } as const

/** A Deployment of the old program. */
export interface OldDeployment extends ObjectName {
  readonly uid: string
  readonly replicas: number
}

export interface OldProgram {
  readonly managers: readonly OldDeployment[]
  readonly syncers: readonly OldDeployment[]
}

export const isNamesake = (one: ObjectName, other: ObjectName): boolean =>
  one.namespace === other.namespace && one.name === other.name

/** @param named the managers, if they are not to be found by what they run */
export async function findOldProgram(client: ApiClient, named?: readonly ObjectName[]): Promise<OldProgram> {
  const all = (await listAll(client, deployments, undefined)) as readonly V1Deployment[]
  const matching = (is: (raw: Json) => boolean) =>
    all.filter((raw) => is({ ...raw, kind: 'Deployment' })).map(oldDeployment)
  const isNamed = (found: OldDeployment) => named?.some((one) => isNamesake(one, found))
  return {
    managers: named ? all.map(oldDeployment).filter(isNamed) : matching(isOldManager),
    syncers: matching(isSyncer),
  }
}

function oldDeployment({ metadata, spec }: V1Deployment): OldDeployment {
  const { namespace = '', name = '', uid = '' } = metadata ?? {}
  return { namespace, name, uid, replicas: spec?.replicas ?? 1 }
}

export async function scaleToZero(client: ApiClient, { namespace, name, uid }: OldDeployment): Promise<void> {
  const path = resourcePath(deployments, { namespace, name })
  await client.mergePatch(path, { metadata: { uid }, spec: { replicas: 0 } }).catch(undefinedIfNotFound)
}

/** Its pods go first, then the Deployment itself. */
export async function remove(client: ApiClient, { namespace, name, uid }: OldDeployment): Promise<void> {
  const body = { propagationPolicy: 'Foreground', preconditions: { uid } }
  await client.delete(resourcePath(deployments, { namespace, name }), { body }).catch((thrown: unknown) => {
    // Another one of its name has taken its place; the next look finds it.
    if (!isConflict(thrown)) undefinedIfNotFound(thrown)
  })
}

/** Whatever state they are in. @returns `Pod namespace/name` */
export async function podsOf(client: ApiClient, managers: readonly OldDeployment[]): Promise<readonly string[]> {
  return (await Promise.all(managers.map((manager) => podsOfDeployment(client, manager)))).flat().map(nameOfPod)
}

/** Those of all syncers, also of one whose Deployment is gone. */
export async function podsOfSyncers(client: ApiClient): Promise<readonly string[]> {
  const found = await listAll(client, pods, undefined, { labelSelector: `app=${syncerLabel}` })
  return (found as readonly V1Pod[]).map(nameOfPod)
}

const nameOfPod = ({ metadata }: V1Pod): string => `Pod ${metadata?.namespace}/${metadata?.name}`

async function podsOfDeployment(client: ApiClient, { namespace, uid }: OldDeployment): Promise<readonly V1Pod[]> {
  const sets = (await listAll(client, replicaSets, namespace)) as readonly { metadata?: V1ObjectMeta }[]
  const own = sets.filter(({ metadata }) => isControlledBy(metadata, [uid])).map(({ metadata }) => metadata?.uid ?? '')
  const found = (await listAll(client, pods, namespace)) as readonly V1Pod[]
  return found.filter(({ metadata }) => isControlledBy(metadata, own))
}

const isControlledBy = (metadata: V1ObjectMeta | undefined, uids: readonly string[]): boolean =>
  metadata?.ownerReferences?.some(({ controller, uid }) => controller && uids.includes(uid)) ?? false
