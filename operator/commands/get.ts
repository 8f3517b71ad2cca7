/** `cvmanager cv get`: the version that each managed workload runs. */
import { type ContainerVersion, containerVersion } from '../api/container-version.ts'
import { group, plural, version } from '../api/names.ts'
import { ApiError, isForbidden } from '../kubernetes/api-error.ts'
import { Cache } from '../kubernetes/cache.ts'
import type { ApiClient, Query } from '../kubernetes/client.ts'
import { type Resource, resourcePath } from '../kubernetes/resource-path.ts'
import { refusedInWords } from '../kubernetes/right.ts'
import type { WorkloadVersion } from '../rollouts/observe/json-of-2018.ts'
import { SelectorIndex } from '../rollouts/observe/selector-index.ts'
import { type Managed, versionsOf } from '../rollouts/observe/workload-versions.ts'
import { workloadKinds } from '../rollouts/workloads/kinds.ts'
import type { WorkloadObject } from '../rollouts/workloads/workload.ts'

export interface VersionsRequest {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  /** The namespace of the context, which is shown if the account may not list all namespaces. */
  readonly own: string
  /** Says what is left out, because the account may not list it. */
  readonly warn: (message: string) => void
}

/** Whoever may list something sees that. @throws ApiError, TransientError */
export async function getVersions(
  client: Pick<ApiClient, 'get'>,
  { namespace, own, warn }: VersionsRequest,
): Promise<readonly WorkloadVersion[]> {
  const onRefused = ({ right, message }: ApiError) => warn(`left out: ${right ? refusedInWords(right) : message}`)
  const managed = await listManaged(client, [namespace], onRefused).catch(async (thrown: unknown) => {
    const right = thrown instanceof ApiError ? thrown.right : undefined
    if (namespace !== undefined || right?.resource !== plural) throw thrown
    const rest = await listManaged(client, [own], onRefused).catch(() => Promise.reject(thrown))
    warn(`only namespace ${own} is shown: ${refusedInWords(right)}`)
    return rest
  })
  return [...managed.objects()].flatMap((object) => versionsOf(object, managed.workloadsOf(object.key)))
}

/**
 * @param namespaces undefined among them: all
 * @param onRefused called for each kind of workload that the account may not list, if it may list others
 * @throws ApiError, TransientError
 */
export async function listManaged(
  client: Pick<ApiClient, 'get'>,
  namespaces: readonly (string | undefined)[],
  onRefused: (refused: ApiError) => void = rethrow,
): Promise<Managed> {
  const objects = new Cache<ContainerVersion>(rethrow)
  const workloads = workloadKinds.map((kind) => ({ kind, store: new Cache<WorkloadObject>(rethrow) }))
  const stores = workloads.map(({ store }) => store)
  const index = new SelectorIndex(objects, stores, () => undefined)
  for (const namespace of namespaces) {
    const own = await listAll(client, { group, version, plural }, namespace)
    for (const raw of own) objects.put(containerVersion(raw))
    if (own.length === 0) continue
    const refused: ApiError[] = []
    const lists = workloads.map(async ({ kind, store }) => {
      const all = await listAll(client, kind, namespace, kind.watched).catch((thrown: unknown) => {
        if (!isForbidden(thrown)) throw thrown
        refused.push(thrown)
        return []
      })
      for (const raw of all) store.put(kind.strip(raw))
    })
    await Promise.all(lists)
    for (const one of refused) (refused.length === lists.length ? rethrow : onRefused)(one)
  }
  return { objects: () => objects.values(), workloadsOf: (key) => index.workloadsOf(key) }
}

function rethrow(thrown: unknown): never {
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
