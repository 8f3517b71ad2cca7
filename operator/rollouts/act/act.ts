import type { ContainerVersion } from '../../api/container-version.ts'
import { isForbidden, isInvalid } from '../../kubernetes/api-error.ts'
import { writeHistory } from '../history/history.ts'
import type { Plan, RolloutRecord } from '../plan/plan.ts'
import { applyChanges } from './changes.ts'
import type { Effects } from './effects.ts'
import { emit } from './emit.ts'

/**
 * Carries a plan out, always in this order: finalizer and status, changes, events, record. Each write is idempotent and
 * guarded, and the status says what is going to happen before it happens. So the process may die after any write.
 */
export async function act(effects: Effects, before: ContainerVersion, plan: Plan): Promise<void> {
  const { status, events, changes, record } = plan
  const guarded = status.rollout ? await effects.writer.finalizer(before, true) : before
  const object = await effects.writer.status(guarded, status)
  await applyChanges(effects, object, changes)
  // The events of a rollout follow from its status. After a change of images the next reconcile emits them, so that in a
  // burst no change waits for the events of another object.
  if (!changes.some(({ change }) => change === 'images')) await emit(effects, object, events)
  const after = record ? await writeRecord(effects, object, record) : object
  if (!after.status.rollout) await settle(effects, after)
}

async function writeRecord(
  effects: Effects,
  object: ContainerVersion,
  record: RolloutRecord,
): Promise<ContainerVersion> {
  const { rollout, events, status } = record
  const { enabled = effects.historyByDefault } = object.spec.history ?? {}
  if (enabled) await optional(effects, object, 'HistoryNotWritten', () => writeHistory(effects.client, object, rollout))
  await emit(effects, object, events)
  return effects.writer.status(object, status)
}

/** No rollout is in progress: writes the deployed version, and removes the finalizer. */
async function settle(effects: Effects, object: ContainerVersion): Promise<void> {
  await optional(effects, object, 'ConfigNotWritten', () => effects.deployedVersion.write(object))
  await effects.writer.finalizer(object, false)
}

/**
 * A write that no rollout waits for. A transient failure is retried. If the API server refuses the write for good, an event
 * says so and the rollout continues without it (B28).
 */
async function optional(
  effects: Effects,
  object: ContainerVersion,
  reason: string,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write()
  } catch (thrown) {
    if (!isForbidden(thrown) && !isInvalid(thrown)) throw thrown
    // Nothing can be created in a namespace that is being deleted, and nothing needs to be.
    if (object.deleting) return
    const message = `${thrown.message}. Grant it, or take it out of the spec; nothing else is held up by this.`
    const id = `${object.generation} ${thrown.message}`
    await emit(effects, object, [{ type: 'Warning', reason, message, id, workloads: [] }])
  }
}
