import type { ContainerVersion } from '../../api/container-version.ts'
import { ApiError, isConflict, isForbidden, isNotFound } from '../../kubernetes/api-error.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import { disown, patchImages } from '../workloads/image-patch.ts'
import type { Change, ImageChange, ObjectRef } from '../workloads/workload.ts'
import type { Effects } from './effects.ts'
import { emit } from './emit.ts'

/**
 * Sends all changes, even if one of them is refused: the workloads move as one, and the next reconcile sends the rest.
 * @throws the error of the first change that failed
 */
export async function applyChanges(
  effects: Effects,
  object: ContainerVersion,
  changes: readonly Change[],
): Promise<void> {
  const results = await Promise.allSettled(changes.map((change) => apply(effects, object, change)))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

async function apply(effects: Effects, object: ContainerVersion, change: Change): Promise<void> {
  switch (change.change) {
    case 'images':
      return changeImages(effects, object, change)
    case 'delete':
      return deletePod(effects, object, change.of)
    case 'disown': {
      const workload = await disown(effects.client, change.of)
      if (workload) effects.onChanged(workload)
    }
  }
}

async function changeImages(effects: Effects, object: ContainerVersion, change: ImageChange): Promise<void> {
  const { kind, name } = change.of
  try {
    const workload = await patchImages(effects.client, change)
    if (workload) effects.onChanged(workload)
    effects.log.info({ kind, name, images: change.images }, 'patched')
  } catch (thrown) {
    if (!isConflict(thrown) && thrown instanceof ApiError) {
      const message = `${kind}/${name}: ${thrown.message}`
      const id = `${object.status.rollout?.id} ${kind} ${name}`
      await emit(effects, object, [{ type: 'Warning', reason: 'PatchRefused', message, id, workloads: [] }])
    }
    throw thrown
  }
}

/** Deletes this very pod. If it is gone, or there is another of its name, there is nothing to do. */
async function deletePod(
  effects: Effects,
  object: ContainerVersion,
  { namespace, name, uid }: ObjectRef,
): Promise<void> {
  const path = resourcePath({ group: '', version: 'v1', plural: 'pods' }, { namespace, name })
  try {
    await effects.client.delete(path, { body: { preconditions: { uid } } })
    effects.log.info({ pod: name }, 'deleted a pod that blocked the change of its workload')
  } catch (thrown) {
    if (isNotFound(thrown) || isConflict(thrown)) return
    if (!isForbidden(thrown)) throw thrown
    const message = `pod ${name} is not ready and blocks the change of its workload, and cvmanager may not delete it. Do it: kubectl delete pod ${name} -n ${namespace}; or grant cvmanager the verb delete on pods.`
    await emit(effects, object, [{ type: 'Warning', reason: 'PodNotReplaced', message, id: uid, workloads: [] }])
  }
}
