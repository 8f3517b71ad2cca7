import { LRUCache } from 'lru-cache'
import type { ApiClient } from '../../kubernetes/client.ts'
import { type Pod, pod } from '../workloads/pods.ts'
import type { WorkloadObject } from '../workloads/workload.ts'

/** A list counts as recent for this long. */
const recentMs = 1_500
/** The first pods of a workload are enough to judge its health. */
const maxPods = 500

/** The pods of workloads, listed on demand: cvmanager does not watch pods. */
export class PodLists {
  readonly #client: ApiClient
  readonly #recent = new LRUCache<string, readonly Pod[], WorkloadObject>({
    ttl: recentMs,
    ttlAutopurge: true,
    ignoreFetchAbort: true,
    fetchMethod: (_uid, _old, { context }) => this.#list(context),
  })

  constructor(client: ApiClient) {
    this.#client = client
  }

  /**
   * @param options.recent whether a recent list will do
   * @throws ApiError, TransientError
   */
  of(workload: WorkloadObject, { recent }: { readonly recent: boolean }): Promise<readonly Pod[]> {
    return recent ? this.#recent.forceFetch(workload.uid, { context: workload }) : this.#list(workload)
  }

  async #list({ namespace, podSelector }: WorkloadObject): Promise<readonly Pod[]> {
    const path = `/api/v1/namespaces/${namespace}/pods`
    const query = { labelSelector: podSelector, limit: maxPods }
    const { items } = await this.#client.get<{ readonly items: readonly unknown[] }>(path, { query })
    return items.map(pod)
  }
}
