import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { isNotFound, isRefused } from '../../kubernetes/api-error.ts'
import { writeHistory } from '../history/history.ts'
import { limitOf } from '../plan/limit.ts'
import type { Plan, RolloutRecord } from '../plan/plan.ts'
import type { Change } from '../workloads/workload.ts'
import { applyChanges, confirmWorkloads, isDelivery } from './changes.ts'
import type { Effects } from './effects.ts'
import { emit } from './emit.ts'
import { optional, type Refusal, report, required } from './optional.ts'

/**
 * Carries a plan out, always in this order: finalizer and status, changes, events, record. Each write is idempotent and
 * guarded, and the status says what is going to happen before it happens. So the process may die after any write.
 * @returns why to try again: a failure that may pass, of a write that delivery does not hang on; undefined if there is none
 * @throws ApiError, TransientError if a write fails that delivery hangs on; 409 if what the plan rests on has changed
 */
export async function act(effects: Effects, before: ContainerVersion, plan: Plan): Promise<unknown> {
  const { status, events, changes, record } = plan
  await confirmWorkloads(effects, plan.confirm)
  const guarded = status.rollout ? await writeFinalizer(effects, before, true) : before
  const object = await writeStatus(effects, guarded, status)
  // The status was not written, so that it has guarded nothing.
  if (object === before && delivers(changes)) await effects.writer.confirm(before)
  const failures = [await applyChanges(effects, object, changes)]
  // The events of a rollout follow from its status. After such a change the next reconcile emits them, so that in a
  // burst no change waits for the events of another object.
  const isReported = effects.reported.has(before.key)
  if (!isReported && !delivers(changes)) failures.push(await reportStatus(effects, object, events))
  const after = record ? await writeRecord(effects, object, record) : object
  if (record) failures.push(await reportStatus(effects, after, record.events))
  if (!after.status.rollout) {
    failures.push(await writeConfig(effects, after))
    await writeFinalizer(effects, after, false)
  }
  return failures.find((failure) => failure !== undefined)
}

/** Emits the events of a status. Afterwards they cost nothing until the status changes. */
async function reportStatus(effects: Effects, object: ContainerVersion, events: Plan['events']): Promise<unknown> {
  const failure = await emit(effects, object, events)
  if (failure === undefined) effects.reported.add(object.key)
  else effects.reported.delete(object.key)
  return failure
}

const delivers = (changes: readonly Change[]): boolean => changes.some(({ change }) => isDelivery(change))

async function writeRecord(
  effects: Effects,
  object: ContainerVersion,
  { rollout, status }: RolloutRecord,
): Promise<ContainerVersion> {
  const { enabled = effects.historyByDefault } = object.spec.history ?? {}
  if (enabled) await recordHistory(effects, object, rollout)
  return writeStatus(effects, object, status)
}

/** @throws ApiError, TransientError while there is time for another try */
async function recordHistory(effects: Effects, object: ContainerVersion, rollout: RolloutStatus): Promise<void> {
  const { id, version } = rollout
  const isLate = effects.clock.now() >= limitOf(rollout)
  const failures: unknown[] = []
  // One after another: two workloads of different kinds may share a name, and so share a ConfigMap.
  for (const member of rollout.workloads) {
    const workload = `${member.kind}/${member.name}`
    const refusal: Refusal = {
      reason: 'HistoryNotWritten',
      id: `${id} ${workload}`,
      about: member.name,
      message: (cause) =>
        `the rollout of ${version} is not in the history of ${workload}: ${cause}. Remove what refuses it, or set spec.history.enabled to false. Nothing else waits for the record.`,
    }
    const write = () => writeHistory(effects.client, object, rollout, member)
    const failure = await optional(effects, object, refusal, write)
    if (failure !== undefined && isLate) await report(effects, object, refusal, failure)
    else failures.push(failure)
  }
  const passing = failures.find((failure) => failure !== undefined)
  if (passing !== undefined) throw passing
}

function writeConfig(effects: Effects, object: ContainerVersion): Promise<unknown> {
  const {
    generation,
    spec: { config },
    status,
  } = object
  const refusal: Refusal = {
    reason: 'ConfigNotWritten',
    id: `${generation} ${status.current?.version}`,
    message: (cause) =>
      `key ${config?.key} of ConfigMap ${config?.name} does not have the version: ${cause}. Remove what refuses it, or take spec.config out. Nothing else waits for it.`,
  }
  return optional(effects, object, refusal, () => effects.deployedVersion.write(object))
}

async function writeFinalizer(effects: Effects, object: ContainerVersion, present: boolean): Promise<ContainerVersion> {
  try {
    return await required(effects, object, notWritten(object), () => effects.writer.finalizer(object, present))
  } catch (thrown) {
    // It is gone already, and the watch has not said so yet.
    if (object.deleting && isNotFound(thrown)) return object
    throw thrown
  }
}

/** The status of an object that is being deleted is for nobody: the deletion does not hang on it. */
async function writeStatus(
  effects: Effects,
  object: ContainerVersion,
  status: ContainerVersionStatus,
): Promise<ContainerVersion> {
  try {
    const written = await required(effects, object, notWritten(object), () => effects.writer.status(object, status))
    if (written !== object) effects.reported.delete(object.key)
    return written
  } catch (thrown) {
    // It may be written all the same: only the answer may be lost.
    effects.reported.delete(object.key)
    if (object.deleting && isRefused(thrown) && !isNotFound(thrown)) return { ...object, status }
    throw thrown
  }
}

const notWritten = ({ generation, namespace, name }: ContainerVersion): Refusal => ({
  reason: 'StatusNotWritten',
  id: `${generation}`,
  message: (cause) =>
    `cvmanager cannot write ContainerVersion ${namespace}/${name}, and rolls nothing out before it can: ${cause}. Remove what refuses it, such as an admission policy.`,
})
