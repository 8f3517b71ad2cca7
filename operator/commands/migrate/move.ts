/**
 * `migrate --apply`: from the old program to this one. First the old one stops: its managers, which would make new syncers, then
 * the syncers. Only when no pod of it is left do the new objects come, each before the old one of its name goes. Each step looks
 * at what is there, so a move that was interrupted goes on where it stopped.
 */
import { migratedFromAnnotation } from '../../api/names.ts'
import { UsageError } from '../../errors.ts'
import { isAlreadyExists, undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { definitionIsCurrent } from '../../kubernetes/prerequisites.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import { pause } from '../../time/backoff.ts'
import { containerVersions, fieldManager, type ObjectName } from '../object.ts'
import { type OldObject, oldObjects, workloadsFor } from './cluster.ts'
import { type Converted, convert, NotConvertibleError } from './convert.ts'
import { nameOf } from './documents.ts'
import { isOfManager } from './manager.ts'
import {
  findOldProgram,
  isNamesake,
  type OldProgram,
  podsOf,
  podsOfSyncers,
  remove,
  scaleToZero,
} from './old-program.ts'

export interface MoveRequest {
  /** The Deployments of the old manager; undefined: found by what they run; empty: there is none any more. */
  readonly managers: readonly ObjectName[] | undefined
  readonly dryRun: boolean
  /** How long to wait until the pods of the old program are gone. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onStep: (line: string) => void
}

export type MoveResult =
  | { readonly result: 'Moved'; readonly objects: number }
  /** Nothing is there to move. */
  | { readonly result: 'Nothing' }
  | { readonly result: 'TimedOut' | 'Interrupted'; readonly message: string }

/** One object to move; undefined as the new one: it is the old program's own. */
interface Moving extends ObjectName {
  readonly old: OldObject
  readonly uid: string
  readonly converted: Converted | undefined
}

/** @throws NotConvertibleError, NeedsChangeError, UsageError, ApiError, TransientError */
export async function move(client: ApiClient, request: MoveRequest): Promise<MoveResult> {
  const { managers, dryRun, onStep, signal } = request
  await definitionIsCurrent(client, signal)
  const program = await findOldProgram(client, managers)
  const objects = await movingObjects(client)
  if (objects.length === 0 && program.syncers.length === 0 && program.managers.every(({ replicas }) => replicas === 0))
    return { result: 'Nothing' }
  checkManagers(managers, program)
  // The API server says whether it would take the new objects.
  for (const object of objects) await create(client, object, { dryRun: 'All' }, signal)
  if (dryRun) {
    for (const line of stepsOf(program, objects)) onStep(`${line} (dry run)`)
    return { result: 'Moved', objects: objects.length }
  }
  const stopped = await stopOldProgram(client, request, program)
  if (stopped) return stopped
  // The old program may have written them until it ended.
  const last = await movingObjects(client)
  for (const object of last) {
    if (signal.aborted) return { result: 'Interrupted', message: 'run the command again to go on' }
    for (const line of linesOf(object)) onStep(line)
    await moveOne(client, object)
  }
  return { result: 'Moved', objects: last.length }
}

function checkManagers(named: MoveRequest['managers'], { managers }: OldProgram): void {
  if (named === undefined && managers.length === 0)
    throw new UsageError(
      'no Deployment runs the old manager, by its image (nearmap/cvmanager, nearmap/kcd) or its flags; name it with --old-manager NAMESPACE/NAME, or give --old-manager none if it is gone',
    )
  const missing = named?.find((name) => !managers.some((one) => isNamesake(one, name)))
  if (missing)
    throw new UsageError(
      `--old-manager: there is no Deployment ${missing.name} in namespace ${missing.namespace}; correct the name, or give --old-manager none if it is gone`,
    )
}

async function movingObjects(client: ApiClient): Promise<readonly Moving[]> {
  const found = await oldObjects(client, undefined)
  const workloads = await workloadsFor(client, found, undefined)
  const problems: string[] = []
  const objects = found.map((old): Moving => {
    const { namespace, name, uid } = old.raw.metadata as ObjectName & { uid: string }
    try {
      return { namespace, name, uid, old, converted: isOfManager(old.raw) ? undefined : convert(old.raw, workloads) }
    } catch (thrown) {
      if (!(thrown instanceof NotConvertibleError)) throw thrown
      problems.push(...thrown.problems.map((problem) => `${nameOf(old.raw)}: ${problem}`))
      return { namespace, name, uid, old, converted: undefined }
    }
  })
  const twins = objects.filter((one) => objects.some((other) => one.uid > other.uid && isNamesake(one, other)))
  problems.push(
    ...twins.map(({ namespace, name }) => `${namespace}/${name} is a ContainerVersion and a KCD; delete one of them`),
  )
  if (problems.length > 0) throw new NotConvertibleError(problems)
  return objects
}

/** It may be there already, from an interrupted move. */
async function create(client: ApiClient, object: Moving, query: { dryRun?: 'All' } = {}, signal?: AbortSignal) {
  if (!object.converted) return
  const { namespace, uid, converted } = object
  const { metadata, ...rest } = converted.object
  const annotations = { ...(metadata.annotations as object | undefined), [migratedFromAnnotation]: uid }
  const path = resourcePath(containerVersions, { namespace })
  const options = { query: { fieldManager, fieldValidation: 'Strict', ...query }, signal }
  await client
    .create(path, { ...rest, metadata: { ...metadata, annotations } }, options)
    .catch(async (thrown: unknown) => {
      if (!isAlreadyExists(thrown)) throw thrown
      await isFromMove(client, object)
    })
}

async function isFromMove(client: ApiClient, { namespace, name, uid, old }: Moving): Promise<void> {
  const found = await client.get<{ metadata: { annotations?: Readonly<Record<string, string>> } }>(
    resourcePath(containerVersions, { namespace, name }),
  )
  if (found.metadata.annotations?.[migratedFromAnnotation] === uid) return
  const { plural, group } = old.resource
  throw new NotConvertibleError([
    `ContainerVersion ${namespace}/${name} is in cvmanager.io already, and was not made from the old one; delete one of the two: kubectl delete ${plural}.${group} ${name} -n ${namespace}, or kubectl delete ${containerVersions.plural}.${containerVersions.group} ${name} -n ${namespace}`,
  ])
}

function stepsOf({ managers, syncers }: OldProgram, objects: readonly Moving[]): readonly string[] {
  return [...managers.map(scaling), ...syncers.map(removing), ...objects.flatMap(linesOf)]
}

const scaling = ({ namespace, name }: ObjectName) => `Deployment ${namespace}/${name}: scale the old manager to 0 pods`
const removing = ({ namespace, name }: ObjectName) => `Deployment ${namespace}/${name}: delete the syncer`

function linesOf({ old, converted }: Moving): readonly string[] {
  const name = nameOf(old.raw)
  if (!converted) return [`${name}: delete it: it is about the old program itself`]
  return [
    `${name}: create it in cvmanager.io, delete it in ${old.resource.group}`,
    ...converted.notes.map((note) => `  ${note}`),
  ]
}

const lookMs = 500

/** @returns why it has not stopped */
async function stopOldProgram(
  client: ApiClient,
  request: MoveRequest,
  { managers }: OldProgram,
): Promise<MoveResult | undefined> {
  for (const manager of managers) {
    request.onStep(scaling(manager))
    await scaleToZero(client, manager)
  }
  const stopped = await gone(request, () => podsOf(client, managers))
  if (stopped) return stopped
  const { syncers } = await findOldProgram(client, request.managers)
  for (const syncer of syncers) {
    request.onStep(removing(syncer))
    await remove(client, syncer)
  }
  return gone(request, async () => {
    const { syncers: left } = await findOldProgram(client, request.managers)
    const pods = [...(await podsOf(client, managers)), ...(await podsOfSyncers(client))]
    return [...left.map(({ namespace, name }) => `Deployment ${namespace}/${name}`), ...pods]
  })
}

/** Waits until nothing is left. @returns undefined once that is so */
async function gone(
  { timeoutMs, signal }: MoveRequest,
  leftOver: () => Promise<readonly string[]>,
): Promise<MoveResult | undefined> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const left = await leftOver()
    if (left.length === 0) return undefined
    const message = `${left.join(', ')} of the old program is still there, and nothing new was created; run the command again to go on`
    if (signal.aborted) return { result: 'Interrupted', message }
    if (performance.now() > deadline) return { result: 'TimedOut', message }
    await pause(lookMs, signal)
  }
}

/** The new one first: if the move ends in between, the next one finds both. */
async function moveOne(client: ApiClient, object: Moving): Promise<void> {
  const { namespace, name, uid, old } = object
  await create(client, object)
  const { resourceVersion } = old.raw.metadata as { readonly resourceVersion: string }
  // Nothing that it may own goes with it, and nothing that somebody has changed meanwhile is lost.
  const body = { propagationPolicy: 'Orphan', preconditions: { uid, resourceVersion } }
  await client.delete(resourcePath(old.resource, { namespace, name }), { body }).catch(undefinedIfNotFound)
}
