import { isDeepStrictEqual } from 'node:util'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { CurrentVersion } from '../../api/status.ts'
import type { Version } from '../../discovery/target.ts'
import { shortDigest } from '../../images/digest.ts'
import { ofOneRepository, partsOf } from '../../images/image.ts'
import { composeImage } from '../../images/reference.ts'
import type { Observation } from '../observe/observation.ts'
import type { SelectedContainer } from '../workloads/workload.ts'

/** The status is no list of thousands of workloads. */
const maxContainers = 50

/**
 * What the workloads run now, by their pod templates, whoever has set it; undefined if there is no workload.
 * @param since when they have begun to run it, if it is something new
 */
export function currentOf(
  { object, workloads, serving = workloads }: Observation,
  offered: Version | undefined,
  since: string,
): CurrentVersion | undefined {
  const found = serving.flatMap(({ name, containers }) =>
    containers.map((container) => ({
      workload: name,
      container: container.name,
      image: container.image,
      ...versionOf(object, offered, container),
    })),
  )
  if (found.length === 0) return undefined
  const before = object.status.current
  const only = <T>(values: readonly T[]): T | undefined => {
    const [first] = values
    return values.every((value) => value === first) ? first : undefined
  }
  const digest = only(found.map((each) => each.digest))
  const image = only(found.map((each) => each.image))
  const version = [...new Set(found.map((each) => each.version))].sort().join(', ')
  const containers = found.slice(0, maxContainers).map(({ digest: _, ...each }) => each)
  // A version without a name had its whole digest as its name in earlier releases.
  const isSame =
    before !== undefined && before.digest === digest && (digest !== undefined || before.version === version)
  const current: CurrentVersion = {
    ...(digest === undefined ? {} : { digest }),
    version,
    ...(image === undefined ? { containers } : { image }),
    since: isSame ? before.since : since,
  }
  return isDeepStrictEqual(current, before) ? before : current
}

/** The version of the image in a container, by the names in the status, else its tag, else its digest. */
export function versionOf(
  { spec, status }: ContainerVersion,
  offered: Version | undefined,
  { image, running }: Pick<SelectedContainer, 'image' | 'running'>,
): { readonly version: string; readonly digest: string | undefined } {
  const parts = partsOf(image)
  if (!parts) return { version: image, digest: undefined }
  const digest = parts.digest ?? running
  const named = parts.tag ?? (digest === undefined ? 'latest' : shortDigest(digest))
  if (!ofOneRepository(image, spec.imageRepo)) {
    const separator = parts.tag === undefined && digest !== undefined ? '@' : ':'
    return { version: `${parts.name}${separator}${named}`, digest }
  }
  const { observed, current, lastHealthy = [], rollouts = [] } = status
  // Another image of its digest may have another name.
  const known = [observed, current?.image === image ? current : undefined, ...lastHealthy, ...rollouts]
  const version = offered?.digest === digest ? offered?.name : known.find((one) => one?.digest === digest)?.version
  return { version: digest === undefined || version === undefined ? named : shortDigest(version), digest }
}

/** Whether the workloads that serve users have the exact image of a version. */
export function allRun({ object, workloads, serving = workloads }: Observation, version: Version): boolean {
  const image = composeImage(object.spec.imageRepo, version)
  return serving.every((workload) => workload.runs(image))
}

/** That a version runs, for people. */
export function runsInWords({ workloads, serving = workloads }: Observation, version: string): string {
  if (serving.length === workloads.length) return `all workloads run ${version}`
  const names = serving.map(({ name }) => name).join(', ')
  return `${names}, which serves users, runs ${version}`
}
