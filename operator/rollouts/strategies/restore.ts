import { isSameImage } from '../../images/image.ts'
import type { ImageChange, Workload } from '../workloads/workload.ts'
import type { Rollout } from './strategy.ts'

/** Restores the images that this rollout, or one that it has replaced, has changed, and nothing that somebody else has changed since. */
export function restoreImages(
  { image: target, workloads, replaced }: Pick<Rollout, 'image' | 'workloads' | 'replaced'>,
  present: readonly Workload[],
): readonly ImageChange[] {
  return present.flatMap(({ ref, containers, restore }) => {
    const previous = workloads.find(({ uid }) => uid === ref.uid)?.previous ?? []
    const images = previous.filter(({ name, image, rewritten }) => {
      const now = containers.find((container) => container.name === name)?.image
      if (now === undefined || now === image) return false
      return now === rewritten || [target, ...replaced].some((ours) => isSameImage(now, ours))
    })
    return images.length > 0 ? [restore(images.map(({ name, image }) => ({ name, image })))] : []
  })
}
