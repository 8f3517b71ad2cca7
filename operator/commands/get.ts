/** `cvmanager cv get`: the version that each managed workload runs. */
import { type ContainerVersion, containerVersion } from '../api/container-version.ts'
import { group, plural, version } from '../api/names.ts'
import { followedInWords } from '../discovery/versions/policies/policies.ts'
import { exactName } from '../images/digest.ts'
import { digestOf, tagOf } from '../images/image.ts'
import type { ApiClient, Query } from '../kubernetes/client.ts'
import { type Resource, resourcePath } from '../kubernetes/resource-path.ts'
import { workloadKinds } from '../rollouts/workloads/kinds.ts'
import { selectContainers, selects } from '../rollouts/workloads/select.ts'
import type { WorkloadObject } from '../rollouts/workloads/workload.ts'

/** One container of a managed workload, with the field names of the first cvmanager's JSON. */
export interface WorkloadVersion {
  readonly Namespace: string
  readonly Name: string
  readonly Type: string
  readonly Container: string
  readonly Version: string
  readonly AvailablePods: number
  readonly CV: string
  readonly Tag: string
  /** Only for `-o wide`, not for the JSON. */
  readonly Digest?: string | undefined
}

/** @param namespace undefined: all that the account may read */
export async function getVersions(
  client: ApiClient,
  namespace: string | undefined,
): Promise<readonly WorkloadVersion[]> {
  const objects = (await listAll(client, { group, version, plural }, namespace)).map(containerVersion)
  if (objects.length === 0) return []
  const lists = workloadKinds.map(async (kind) =>
    (await listAll(client, kind, namespace, kind.watched)).map((raw) => kind.strip(raw)),
  )
  const workloads = (await Promise.all(lists)).flat()
  return objects.flatMap((object) =>
    workloads
      .filter((workload) => workload.namespace === object.namespace && selects(object.spec.selector, workload))
      .flatMap((workload) => versionsOf(workload, object)),
  )
}

function versionsOf(workload: WorkloadObject, object: ContainerVersion): WorkloadVersion[] {
  return selectContainers(object.spec, workload).map(({ name, image }) => {
    const known = knownVersion(image, object)
    return {
      Namespace: workload.namespace,
      Name: workload.name,
      Type: workload.kind,
      Container: name,
      Version: known ? exactName(known.version, known.digest) : (tagOf(image) ?? digestOf(image) ?? 'latest'),
      AvailablePods: workload.availablePods,
      CV: object.name,
      Tag: followedInWords(object.spec),
      Digest: known?.digest ?? digestOf(image),
    }
  })
}

/** What kubectl shows as well: the version that the status names for an image. */
function knownVersion(
  image: string,
  { spec, status }: ContainerVersion,
): { readonly version: string; readonly digest?: string | undefined } | undefined {
  const { observed, current, lastHealthy = [], rollout, rollouts = [], phase } = status
  const digest = digestOf(image)
  if (digest !== undefined)
    return [observed, current, rollout, ...lastHealthy, ...rollouts].find((one) => one?.digest === digest)
  // What the pods run is not in the workload. cvmanager has looked.
  const hasLooked = phase === 'UpToDate' || image === current?.image || (tagOf(image) ?? 'latest') === spec.tag
  if (!hasLooked) return undefined
  // They differ: it is said for each container.
  return current?.containers ? current.containers.find((container) => container.image === image) : current
}

interface Page {
  readonly metadata: { readonly continue?: string }
  readonly items: readonly unknown[]
}

export async function listAll(
  client: ApiClient,
  resource: Resource,
  namespace: string | undefined,
  selectors?: Query,
): Promise<readonly unknown[]> {
  const items: unknown[] = []
  let next: string | undefined
  do {
    const page: Page = await client.get<Page>(resourcePath(resource, { namespace }), {
      query: { ...selectors, limit: 500, continue: next },
    })
    items.push(...page.items)
    next = page.metadata.continue
  } while (next)
  return items
}
