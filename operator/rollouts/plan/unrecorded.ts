import { createHash } from 'node:crypto'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/status.ts'
import { digestOf, ofOneRepository, tagOf } from '../../images/image.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'
import type { Workload } from '../workloads/workload.ts'

/**
 * The image that all the workloads ran by the last word of the status, where that is about this very spec. It is what a
 * rollback restores, and stands on the API server before the rollout does: so the workloads may be patched first.
 */
export function judgedImage({ status, generation, spec }: ContainerVersion): string | undefined {
  const { current, observedGeneration } = status
  if (!current || observedGeneration !== generation) return undefined
  return ofOneRepository(current.image, spec.imageRepo) ? current.image : undefined
}

/**
 * A rollout that was begun and is in no status: its process died after the patches. The API server itself says that it was
 * cvmanager who wrote the image (`metadata.managedFields`), and it is not the one that was judged last. What is left out of
 * the status on purpose is none: a version that has failed and was left in place.
 */
export function unrecorded({ object, workloads, now }: Observation): RolloutStatus | undefined {
  const { status } = object
  const { current, rollouts: [last] = [] } = status
  const judged = judgedImage(object)
  if (judged === undefined || !current || status.rollout) return undefined
  const image = workloads.map((workload) => strangeImage(workload, judged)).find((found) => found !== undefined)
  const digest = image === undefined ? undefined : digestOf(image)
  if (image === undefined || digest === undefined || digest === current.digest) return undefined
  if (last?.digest === digest && last.outcome === 'Failed') return undefined
  return {
    id: createHash('sha256').update(`${object.uid} ${digest} after ${current.since}`).digest('hex').slice(0, 10),
    phase: 'RollingOut',
    digest,
    version: tagOf(image) ?? digest,
    image,
    from: current.version,
    startTime: timestamp(now),
    deadline: timestamp(now),
    workloads: workloads
      .filter((workload) => strangeImage(workload, judged) === image)
      .map(({ kind, name, uid, containers }) => ({
        kind,
        name: name.slice(kind.length + 1),
        uid,
        previous: containers.map((container) => ({ name: container.name, image: judged })),
      })),
  }
}

/** What cvmanager has written into it, if that is not what it wrote last that went well. */
function strangeImage({ containers, imageIsOurs }: Workload, judged: string): string | undefined {
  return imageIsOurs
    ? containers.find(({ image }) => image !== judged && ofOneRepository(image, judged))?.image
    : undefined
}
