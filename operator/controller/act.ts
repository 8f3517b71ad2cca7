import type { Logger } from 'pino'
import type { ContainerVersion } from '../api/container-version.ts'
import { apiVersion, kind } from '../api/crd.ts'
import { ApiError, isConflict, isForbidden, isInvalid, isNotFound } from '../cluster/api-error.ts'
import type { ApiClient } from '../cluster/client.ts'
import type { EventWriter } from '../cluster/events.ts'
import { resourcePath } from '../cluster/resource-path.ts'
import { messageOf } from '../errors.ts'
import type { DeployedVersion } from '../history/deployed-version.ts'
import type { History } from '../history/history.ts'
import { changeImages, disown } from '../workloads/image-patch.ts'
import { workloadKind } from '../workloads/kinds.ts'
import type { ImageChange, PodName, WorkloadObject } from '../workloads/workload.ts'
import type { ObjectWriter } from './object-writer.ts'
import type { Action, Happening, Plan } from './observation.ts'
import { orderOf } from './story.ts'

export interface Hands {
  readonly client: ApiClient
  readonly writer: ObjectWriter
  readonly events: EventWriter
  readonly history: History
  readonly deployedVersion: DeployedVersion
  /** Is given each workload as it is after a patch. */
  readonly changed: (workload: WorkloadObject) => void
  readonly find: (namespace: string, kind: string, name: string) => WorkloadObject | undefined
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/**
 * Carries a plan out. Each write is idempotent and guarded, and their order is such that the process may die after any of
 * them: what was to be remembered is on the API server before what it speaks of is done.
 */
export async function act(hands: Hands, before: ContainerVersion, { status, happenings, action }: Plan): Promise<void> {
  const { writer } = hands
  const guarded = status.rollout ? await writer.finalizer(before, true) : before
  const object = await writer.status(guarded, status)
  // Beside the action: nobody waits for an event, and one that was not told follows from the status at the next look.
  const told = tell(hands, object, happenings)
  try {
    await carryOut(hands, object, action)
  } finally {
    await told
  }
}

async function carryOut(hands: Hands, object: ContainerVersion, action: Action): Promise<void> {
  const { writer } = hands
  switch (action.action) {
    case 'change':
      return change(hands, object, action.changes)
    case 'replace':
      for (const pod of action.pods) await replace(hands, object, pod)
      return
    case 'disown': {
      for (const { kind, name } of action.workloads) {
        const workload = hands.find(object.namespace, kind, name.slice(kind.length + 1))
        if (workload) hands.changed(await disown(hands.client, workload))
      }
      break
    }
    case 'record': {
      await optional(hands, object, 'HistoryNotWritten', () => hands.history.record(object, action.rollout))
      await tell(hands, object, action.happenings)
      const recorded = await writer.status(object, action.after)
      return settle(hands, recorded)
    }
    case 'none':
      break
  }
  return settle(hands, object)
}

/** Nothing is under way any more: the deployed version is written down, and nothing holds the object's deletion up. */
async function settle(hands: Hands, object: ContainerVersion): Promise<void> {
  if (object.status.rollout) return
  await optional(hands, object, 'ConfigNotWritten', () => hands.deployedVersion.write(object))
  await hands.writer.finalizer(object, false)
}

/** All the patches are sent, also when one is refused: the unit moves as one, and what is missing is tried again. */
async function change(hands: Hands, object: ContainerVersion, changes: readonly ImageChange[]): Promise<void> {
  const results = await Promise.allSettled(
    changes.map(async (one) => {
      const workload = await changeImages(hands.client, one)
      if (workload) hands.changed(workload)
      hands.log.info({ kind: one.kind, name: one.name, images: one.images }, 'patched')
    }),
  )
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') continue
    const { kind, name } = changes[index] as ImageChange
    if (result.reason instanceof ApiError && !isConflict(result.reason)) {
      const { message } = result.reason
      const id = `${object.status.rollout?.id} ${kind} ${name}`
      await tell(hands, object, [
        { type: 'Warning', reason: 'PatchRefused', message: `${kind}/${name}: ${message}`, id, workloads: [] },
      ])
    }
    throw result.reason
  }
}

/** One that is gone already, or another by now, need not be replaced. */
async function replace(hands: Hands, object: ContainerVersion, { namespace, name, uid }: PodName): Promise<void> {
  const path = resourcePath({ group: '', version: 'v1', plural: 'pods' }, { namespace, name })
  try {
    await hands.client.delete(path, { body: { preconditions: { uid } } })
    hands.log.info({ pod: name }, 'deleted a pod that blocked the change of its workload')
  } catch (thrown) {
    if (isNotFound(thrown) || isConflict(thrown)) return
    if (!isForbidden(thrown)) throw thrown
    const message = `pod ${name} is not ready, and its workload is not changed before it is gone; cvmanager may not delete it. Do it: kubectl delete pod ${name} -n ${namespace}; or grant cvmanager the verb delete on pods.`
    await tell(hands, object, [{ type: 'Warning', reason: 'PodNotReplaced', message, id: uid, workloads: [] }])
  }
}

/**
 * A write that delivery does not hang on. What may pass is tried again; what the API server refuses for good is told, and
 * the rollout goes on without (B28: told, not swallowed).
 */
async function optional(
  hands: Hands,
  object: ContainerVersion,
  reason: string,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write()
  } catch (thrown) {
    if (!isForbidden(thrown) && !isInvalid(thrown)) throw thrown
    // In a namespace that is being deleted nothing can be created, and nothing need be.
    if (object.deleting) return
    const message = `${thrown.message}. Grant it, or take it out of the spec; nothing else is held up by this.`
    await tell(hands, object, [
      { type: 'Warning', reason, message, id: `${object.generation} ${thrown.message}`, workloads: [] },
    ])
  }
}

/** Events are for people: one that cannot be written is logged, and holds nothing up. */
async function tell({ events, log }: Hands, object: ContainerVersion, happenings: readonly Happening[]): Promise<void> {
  const { namespace } = object
  const writes = happenings.flatMap(({ workloads, type, reason, message, id }) => {
    const event = { type, reason, message, id, order: orderOf(reason) }
    const self = { apiVersion, kind, namespace, name: object.name, uid: object.uid }
    const others = workloads.map((workload) => ({
      apiVersion: groupVersion(workload.kind),
      kind: workload.kind,
      namespace,
      name: workload.name,
      uid: workload.uid,
    }))
    return [self, ...others].map((regarding) => events.emit(regarding, event))
  })
  for (const result of await Promise.allSettled(writes)) {
    if (result.status === 'rejected')
      log.warn({ namespace, name: object.name, error: messageOf(result.reason) }, 'an event could not be written')
  }
}

function groupVersion(kind: string): string {
  const { group, version } = workloadKind(kind)
  return `${group}/${version}`
}
