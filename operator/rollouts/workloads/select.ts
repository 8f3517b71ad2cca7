import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError } from '../../errors.ts'
import { ofOneRepository } from '../../images/image.ts'
import type { Container, WorkloadObject } from './workload.ts'

/** A workload with the containers that a ContainerVersion selects in it. */
export interface Selected {
  readonly object: WorkloadObject
  readonly containers: readonly Container[]
}

/** Whether anything may be rolled out to an object: no other one controls it (B14), and it has not ended. */
export const isWorkload = ({ controlled, ended }: Pick<WorkloadObject, 'controlled' | 'ended'>): boolean =>
  !controlled && !ended

/** Whether a selector finds a workload: the workload itself has the labels. */
export function selects(selector: Readonly<Record<string, string>>, object: WorkloadObject): boolean {
  if (!isWorkload(object) || object.deleting) return false
  return Object.entries(selector).every(([key, value]) => object.labels[key] === value)
}

/** The names in the spec; undefined: whatever has an image of the repository. */
function wantedNames({ container }: ContainerVersionSpec): readonly string[] | undefined {
  return container?.names ?? (container?.name === undefined ? undefined : [container.name])
}

/** The containers that get the image: those that the spec names, or else all with an image of the repository. */
export function selectContainers(spec: ContainerVersionSpec, object: WorkloadObject): readonly Container[] {
  const wanted = wantedNames(spec)
  return object.containers.filter(({ name, image }) => wanted?.includes(name) ?? ofOneRepository(image, spec.imageRepo))
}

/**
 * What a workload lacks of the containers that get the image (B33): each workload must have all that the spec names.
 * @returns undefined if it lacks nothing
 */
export function containerNotFound(spec: ContainerVersionSpec, object: WorkloadObject): NeedsChangeError | undefined {
  const wanted = wantedNames(spec)
  const workload = `${object.kind} ${object.namespace}/${object.name}`
  const names = object.containers.map(({ name }) => name)
  const notFound = (lacks: string, remedy: string) =>
    new NeedsChangeError(
      'ContainerNotFound',
      `${workload} has no container ${lacks}; its containers are ${names.join(', ')}. ${remedy}`,
    )
  if (wanted === undefined)
    return selectContainers(spec, object).length > 0
      ? undefined
      : notFound(`whose image is of ${spec.imageRepo}`, 'Name one in spec.container.name.')
  const missing = wanted.filter((name) => !names.includes(name))
  if (missing.length === 0) return undefined
  return spec.container?.names === undefined
    ? notFound(missing.join(), 'Name one of them in spec.container.name.')
    : notFound(
        missing.join(', '),
        'Each workload must have all containers of spec.container.names: correct the names, or let another ContainerVersion select this workload.',
      )
}
