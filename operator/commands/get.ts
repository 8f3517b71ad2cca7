/** `cvmanager cv get`: the version that each managed workload runs. */
import { type ContainerVersion, containerVersion } from '../api/container-version.ts'
import { group, plural, version } from '../api/names.ts'
import { Cache } from '../kubernetes/cache.ts'
import type { ApiClient, Query } from '../kubernetes/client.ts'
import { type Resource, resourcePath } from '../kubernetes/resource-path.ts'
import type { WorkloadVersion } from '../rollouts/observe/json-of-2018.ts'
import { SelectorIndex } from '../rollouts/observe/selector-index.ts'
import { type Managed, versionsOf } from '../rollouts/observe/workload-versions.ts'
import { workloadKinds } from '../rollouts/workloads/kinds.ts'
import type { WorkloadObject } from '../rollouts/workloads/workload.ts'

/** @param namespace undefined: all that the account may read */
export async function getVersions(
  client: Pick<ApiClient, 'get'>,
  namespace: string | undefined,
): Promise<readonly WorkloadVersion[]> {
  const { objects, workloadsOf } = await listManaged(client, [namespace])
  return [...objects()].flatMap((object) => versionsOf(object, workloadsOf(object.key)))
}

/** @param namespaces undefined among them: all that the account may read */
export async function listManaged(
  client: Pick<ApiClient, 'get'>,
  namespaces: readonly (string | undefined)[],
): Promise<Managed> {
  const objects = new Cache<ContainerVersion>(rethrow)
  const workloads = workloadKinds.map((kind) => ({ kind, store: new Cache<WorkloadObject>(rethrow) }))
  const stores = workloads.map(({ store }) => store)
  const index = new SelectorIndex(objects, stores, () => undefined)
  for (const namespace of namespaces) {
    const own = await listAll(client, { group, version, plural }, namespace)
    for (const raw of own) objects.put(containerVersion(raw))
    if (own.length === 0) continue
    const lists = workloads.map(async ({ kind, store }) => {
      for (const raw of await listAll(client, kind, namespace, kind.watched)) store.put(kind.strip(raw))
    })
    await Promise.all(lists)
  }
  return { objects: () => objects.values(), workloadsOf: (key) => index.workloadsOf(key) }
}

const rethrow = (thrown: unknown): never => {
  throw thrown
}

interface Page {
  readonly metadata: { readonly continue?: string }
  readonly items: readonly unknown[]
}

export async function listAll(
  client: Pick<ApiClient, 'get'>,
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
