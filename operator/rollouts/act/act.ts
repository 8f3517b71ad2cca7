import type { ContainerVersion } from '../../api/container-version.ts'
import { isConflict, isForbidden, isInvalid, isNotFound } from '../../kubernetes/api-error.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import type { Action, Plan } from '../observe/observation.ts'
import { disown } from '../workloads/image-patch.ts'
import type { PodName } from '../workloads/workload.ts'
import type { Hands } from './effects.ts'
import { tell } from './emit.ts'
import { patchAll } from './patches.ts'

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
      return patchAll(hands, object, action.changes)
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
