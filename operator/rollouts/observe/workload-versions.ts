/** The version that each managed workload runs, as the first cvmanager has told it: `cv get`, and `/v1/cv/workloads`. */
import type { ContainerVersion } from '../../api/container-version.ts'
import { followedInWords } from '../../discovery/versions/policies/policies.ts'
import { exactName } from '../../images/digest.ts'
import { partsOf } from '../../images/image.ts'
import { selectContainers } from '../workloads/select.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import type { WorkloadVersion } from './json-of-2018.ts'

/** ContainerVersions and their workloads, from the caches of the controller or from lists. */
export interface Managed {
  objects(): Iterable<ContainerVersion>
  /** In a stable order. */
  workloadsOf(key: string): readonly WorkloadObject[]
}

/** A row for each container that gets the image. */
export function versionsOf(object: ContainerVersion, workloads: readonly WorkloadObject[]): WorkloadVersion[] {
  const { name: CV, spec } = object
  const Tag = followedInWords(spec)
  return workloads.flatMap((workload) =>
    selectContainers(spec, workload).map(({ name, image }) => {
      const { tag, digest } = partsOf(image) ?? {}
      const known = knownVersion(image, tag, digest, object)
      return {
        Namespace: workload.namespace,
        Name: workload.name,
        Type: workload.kind,
        Container: name,
        Version: known ? exactName(known.version, known.digest) : (tag ?? digest ?? 'latest'),
        AvailablePods: workload.availablePods,
        CV,
        Tag,
        Digest: known?.digest ?? digest,
      }
    }),
  )
}

/** What kubectl shows as well: the version that the status names for an image. */
function knownVersion(
  image: string,
  tag: string | undefined,
  digest: string | undefined,
  { spec, status }: ContainerVersion,
): { readonly version: string; readonly digest?: string | undefined } | undefined {
  const { observed, current, lastHealthy = [], rollout, rollouts = [], phase } = status
  if (digest !== undefined)
    return [observed, current, rollout, ...lastHealthy, ...rollouts].find((one) => one?.digest === digest)
  // What the pods run is not in the workload. cvmanager has looked.
  const hasLooked = phase === 'UpToDate' || image === current?.image || (tag ?? 'latest') === spec.tag
  if (!hasLooked) return undefined
  // They differ: it is said for each container.
  return current?.containers ? current.containers.find((container) => container.image === image) : current
}
