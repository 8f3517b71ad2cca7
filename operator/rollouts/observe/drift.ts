/** Who has set an image, if it was not cvmanager. */
import type { V1ManagedFieldsEntry } from '@kubernetes/client-node'
import type { ContainerVersion } from '../../api/container-version.ts'
import { isSameImage } from '../../images/image.ts'
import { fieldManager } from '../../kubernetes/client.ts'
import { timestamp } from '../../time/clock.ts'
import { workloadKind } from '../workloads/kinds.ts'
import type { Container, SelectedContainer, Workload } from '../workloads/workload.ts'

/** Images of a workload that somebody else than cvmanager has set since the last status. */
export interface FoundDrift {
  /** `Deployment/web`. */
  readonly workload: string
  /** Those with another image than before. */
  readonly containers: readonly SelectedContainer[]
  /** The field manager, e.g. `kubectl-set`; undefined if managedFields do not say. */
  readonly by: string | undefined
  /** When it was set, according to managedFields. */
  readonly setTime: string | undefined
}

/** The containers of a workload with another image than cvmanager has set or has seen. */
export function changedContainers(
  { status, generation }: ContainerVersion,
  { ref, name: workload, containers, runs }: Workload,
): readonly SelectedContainer[] {
  const { rollout, current, observedGeneration, drifts = [] } = status
  if (!rollout) {
    // Another spec may select other containers.
    if (!current || observedGeneration !== generation) return []
    return containers.filter(({ name, image }) => {
      const known = current.containers?.find((one) => one.workload === workload && one.container === name)
      const before = current.containers ? known?.image : current.image
      return before !== undefined && image !== before
    })
  }
  const previous = rollout.workloads.find(({ uid }) => uid === ref.uid)?.previous
  if (!previous || rollout.phase === 'Recording' || runs(rollout.image)) return []
  const changed = containers.filter(({ image }) => !isSameImage(image, rollout.image))
  // Until a workload is patched, it has its previous image; who has set that tells whether it was patched.
  if (rollout.phase === 'RollingOut') return changed
  return changed.filter(
    ({ name, image }) =>
      !previous.some((one) => one.name === name && (one.image === image || one.rewritten === image)) &&
      !drifts.some((known) => known.workload === workload && known.image === image),
  )
}

interface Managed {
  readonly metadata: {
    readonly creationTimestamp?: string
    readonly managedFields?: readonly V1ManagedFieldsEntry[]
  }
}

/**
 * Who has set the images of these containers.
 * @param raw the workload, as the API server sends it
 * @returns undefined if cvmanager has set them, or if they were like that before
 */
export function driftOf(
  { status: { rollout, current } }: ContainerVersion,
  { ref, name: workload }: Workload,
  containers: readonly SelectedContainer[],
  raw: unknown,
): FoundDrift | undefined {
  if (containers.length === 0) return undefined
  const { creationTimestamp, managedFields = [] } = (raw as Managed).metadata
  const { podTemplate } = workloadKind(ref.kind)
  const ownsAny = (entry: V1ManagedFieldsEntry, field: 'image' | 'name') =>
    containers.some((container) => owns(entry, pathOf(podTemplate, container, field)))
  const [owner] = managedFields
    .filter((entry) => !entry.subresource && ownsAny(entry, 'image'))
    .sort((one, other) => timeOf(other) - timeOf(one))
  if (owner?.manager === fieldManager) return undefined
  const found = { workload, containers, by: owner?.manager }
  if (owner?.time === undefined) return { ...found, setTime: undefined }
  const since = rollout?.startTime ?? current?.since
  // Times are in whole seconds: another than its creator may have changed it in the second in which it was created.
  const isAsCreated = timeOf(owner) <= Date.parse(creationTimestamp ?? '') && ownsAny(owner, 'name')
  return isAsCreated || timeOf(owner) < Date.parse(since ?? '')
    ? undefined
    : { ...found, setTime: timestamp(timeOf(owner)) }
}

/** 0 if it is not known. The API server sends times as text. */
const timeOf = ({ time }: V1ManagedFieldsEntry): number => (time === undefined ? 0 : Date.parse(String(time)))

type Fields = Readonly<Record<string, unknown>> | undefined

/** The path of a container's field in `fieldsV1`. */
function pathOf(podTemplate: readonly string[], { name, init }: Container, field: string): readonly string[] {
  const list = [...podTemplate, 'spec', init ? 'initContainers' : 'containers'].map((key) => `f:${key}`)
  return [...list, `k:${JSON.stringify({ name })}`, `f:${field}`]
}

function owns({ fieldsV1 }: V1ManagedFieldsEntry, path: readonly string[]): boolean {
  let fields = fieldsV1 as Fields
  for (const key of path) {
    if (fields === undefined || !(key in fields)) return false
    fields = fields[key] as Fields
  }
  return true
}
