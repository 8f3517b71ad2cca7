import { containerVersion } from '../api/container-version.ts'
import { group, plural, version } from '../api/names.ts'
import type { Commands, WorkloadVersion } from '../cli/commands.ts'
import { followedInWords } from '../discovery/versions/followed-in-words.ts'
import { digestOf, tagOf } from '../images/image.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { type Resource, resourcePath } from '../kubernetes/resource-path.ts'
import { workloadKinds } from '../rollouts/workloads/kinds.ts'
import { containersIfAny, selects } from '../rollouts/workloads/select.ts'
import type { WorkloadObject } from '../rollouts/workloads/workload.ts'
import { connect } from './running.ts'

/** `cvmanager cv get`: the current version of every managed workload. */
export const currentVersions: Commands['currentVersions'] = async ({ settings, namespace }) => {
  const { client } = connect(settings)
  try {
    const objects = (await listAll(client, { group, version, plural }, namespace)).map(containerVersion)
    if (objects.length === 0) return []
    const lists = workloadKinds.map(async (kind) =>
      (await listAll(client, kind, namespace)).map((raw) => kind.strip(raw)),
    )
    const workloads = (await Promise.all(lists)).flat()
    return objects.flatMap((object) => {
      const selected = workloads.filter(
        (workload) => workload.namespace === object.namespace && selects(object.spec.selector, workload),
      )
      return selected.flatMap((workload) => versionsOf(workload, object))
    })
  } finally {
    await client.close()
  }
}

function versionsOf(workload: WorkloadObject, object: ReturnType<typeof containerVersion>): WorkloadVersion[] {
  return containersIfAny(object.spec, workload).map(({ name, image }) => ({
    Namespace: workload.namespace,
    Name: workload.name,
    Type: workload.kind,
    Container: name,
    Version: tagOf(image) ?? digestOf(image) ?? 'latest',
    AvailablePods: Number(workload.figures.available),
    CV: object.name,
    Tag: followedInWords(object.spec),
    Digest: digestOf(image),
  }))
}

interface Page {
  readonly metadata: { readonly continue?: string }
  readonly items: readonly unknown[]
}

async function listAll(
  client: ApiClient,
  resource: Resource,
  namespace: string | undefined,
): Promise<readonly unknown[]> {
  const items: unknown[] = []
  let next: string | undefined
  do {
    const page: Page = await client.get<Page>(resourcePath(resource, { namespace }), {
      query: { limit: 500, continue: next },
    })
    items.push(...page.items)
    next = page.metadata.continue
  } while (next)
  return items
}
