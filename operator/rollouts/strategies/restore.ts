import { isSameImage } from '../../images/image.ts'
import type { ImageChange, Workload } from '../workloads/workload.ts'
import type { Rollout } from './strategy.ts'

/** Restores the images that this rollout has changed, and nothing that somebody else has changed since. */
export function restoreImages(
  { image: target, workloads }: Pick<Rollout, 'image' | 'workloads'>,
  present: readonly Workload[],
): readonly ImageChange[] {
  return present.flatMap(({ ref, containers, restore }) => {
    const previous = workloads.find(({ uid }) => uid === ref.uid)?.previous ?? []
    const images = previous.filter(({ name, image, rewritten }) => {
      const now = containers.find((container) => container.name === name)?.image
      if (now === undefined || now === image) return false
      return now === rewritten || isSameImage(now, target)
    })
    return images.length > 0 ? [restore(images.map(({ name, image }) => ({ name, image })))] : []
  })
}
