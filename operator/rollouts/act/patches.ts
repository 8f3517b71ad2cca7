/** The image patches of one unit, sent together. */
import type { ContainerVersion } from '../../api/container-version.ts'
import { ApiError, isConflict } from '../../kubernetes/api-error.ts'
import { changeImages } from '../workloads/image-patch.ts'
import type { ImageChange } from '../workloads/workload.ts'
import type { Hands } from './effects.ts'
import { tell } from './emit.ts'

/**
 * All the patches are sent, also when one is refused: the unit moves as one, and what is missing is tried again.
 * @throws what the first of the patches that failed has met
 */
export async function patchAll(hands: Hands, object: ContainerVersion, changes: readonly ImageChange[]): Promise<void> {
  const { client, changed, log } = hands
  const results = await Promise.allSettled(
    changes.map(async (one) => {
      const workload = await changeImages(client, one)
      if (workload) changed(workload)
      log.info({ kind: one.kind, name: one.name, images: one.images }, 'patched')
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
