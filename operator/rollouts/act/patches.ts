/** The image patches of one unit: sent together, told together, and taken back together. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/status.ts'
import { ApiError, isConflict } from '../../kubernetes/api-error.ts'
import { changeImages, readWorkload } from '../workloads/image-patch.ts'
import type { Container, ImageChange, WorkloadObject } from '../workloads/workload.ts'
import type { Hands } from './effects.ts'
import { tell } from './emit.ts'

export type Patched = PromiseSettledResult<WorkloadObject | undefined>

/** All the patches are sent, also when one is refused: the unit moves as one, and what is missing is tried again. */
export function patchAll(
  { client, changed, log }: Hands,
  changes: readonly ImageChange[],
): Promise<readonly Patched[]> {
  return Promise.allSettled(
    changes.map(async (one) => {
      const workload = await changeImages(client, one)
      if (workload) changed(workload)
      log.info({ kind: one.kind, name: one.name, images: one.images }, 'patched')
      return workload
    }),
  )
}

/** @throws what the first of the patches that failed has met */
export async function report(
  hands: Hands,
  object: ContainerVersion,
  changes: readonly ImageChange[],
  results: readonly Patched[],
): Promise<void> {
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

/** The workload's own controller writes at the same time. */
const attempts = 5

/** Puts back what these patches have changed, where it is still so. @throws ApiError */
export async function takeBack(
  hands: Hands,
  rollout: RolloutStatus | undefined,
  results: readonly Patched[],
): Promise<void> {
  for (const result of results) {
    const workload = result.status === 'fulfilled' ? result.value : undefined
    const previous = rollout?.workloads.find(({ uid }) => uid === workload?.uid)?.previous
    if (workload && previous) await restore(hands, workload, rollout?.image, previous)
  }
}

async function restore(
  { client, changed }: Hands,
  patched: WorkloadObject,
  from: string | undefined,
  previous: readonly Container[],
): Promise<void> {
  let workload: WorkloadObject | undefined = patched
  for (let attempt = 1; workload; attempt += 1) {
    const { containers } = workload
    const images = previous.filter(({ name }) =>
      containers.some((container) => container.name === name && container.image === from),
    )
    if (images.length === 0) return
    try {
      const restored = await changeImages(client, { ...workload, images })
      if (restored) changed(restored)
      return
    } catch (thrown) {
      if (!isConflict(thrown) || attempt === attempts) throw thrown
      workload = await readWorkload(client, workload)
    }
  }
}
