/** What `/v1/cv/workloads` answers from, and who may read it, by the settings. */
import { LRUCache } from 'lru-cache'
import { listManaged } from '../commands/get.ts'
import type { Settings } from '../config/settings.ts'
import { anyone, authenticated } from '../http/readers.ts'
import type { WorkloadSource } from '../http/workload-routes.ts'
import { AccessReviews } from '../kubernetes/access-reviews.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { readHistory } from '../rollouts/history/history.ts'
import type { Managed } from '../rollouts/observe/workload-versions.ts'

/** A replica without caches keeps a list for this long. */
const maxListAgeMs = 5_000

/** @param caches of the controller, on the replica that leads; undefined: the API server is asked */
export function workloadSource(
  { anonymousReads, watchNamespaces }: Pick<Settings, 'anonymousReads' | 'watchNamespaces'>,
  client: ApiClient,
  caches: () => Managed | undefined,
): WorkloadSource {
  const namespaces = watchNamespaces.length === 0 ? [undefined] : watchNamespaces
  // However many requests wait, there is one list; afterwards it takes no memory.
  const lists = new LRUCache<'all', Managed>({
    max: 1,
    ttl: maxListAgeMs,
    ttlAutopurge: true,
    fetchMethod: () => listManaged(client, namespaces),
  })
  return {
    readerOf: anonymousReads ? anyone : authenticated(new AccessReviews(client)),
    watches: (namespace) => watchNamespaces.length === 0 || watchNamespaces.includes(namespace),
    managed: async () => caches() ?? (await lists.forceFetch('all')),
    history: (namespace, name) => readHistory(client, namespace, name),
  }
}
