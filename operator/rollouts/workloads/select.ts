import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError } from '../../errors.ts'
import { ofOneRepository } from '../../images/image.ts'
import type { Container, WorkloadObject } from './workload.ts'

/** Whether a selector finds a workload: the workload itself has the labels, and no other object controls it (B14). */
export function selects(selector: Readonly<Record<string, string>>, object: WorkloadObject): boolean {
  if (object.controlled || object.deleting) return false
  return Object.entries(selector).every(([key, value]) => object.labels[key] === value)
}

/** The containers that get the image: the one that the spec names, or else all with an image of the repository. */
export function selectContainers(spec: ContainerVersionSpec, object: WorkloadObject): readonly Container[] {
  const wanted = spec.container?.name
  return object.containers.filter(({ name, image }) =>
    wanted === undefined ? ofOneRepository(image, spec.imageRepo) : name === wanted,
  )
}

/** A workload has no container that gets the image (B33). */
export function containerNotFound(spec: ContainerVersionSpec, object: WorkloadObject): NeedsChangeError {
  const wanted = spec.container?.name
  const workload = `${object.kind} ${object.namespace}/${object.name}`
  const names = object.containers.map(({ name }) => name).join(', ')
  return new NeedsChangeError(
    'ContainerNotFound',
    wanted === undefined
      ? `${workload} has no container whose image is of ${spec.imageRepo}; its containers are ${names}. Name one in spec.container.name.`
      : `${workload} has no container ${wanted}; its containers are ${names}. Name one of them in spec.container.name.`,
  )
}
