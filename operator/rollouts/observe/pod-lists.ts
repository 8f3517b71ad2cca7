import type { ApiClient } from '../../kubernetes/client.ts'
import type { Clock } from '../../time/clock.ts'
import { type Pod, pod } from '../workloads/pods.ts'
import type { WorkloadObject } from '../workloads/workload.ts'

/** A list counts as recent for this long. */
const recentMs = 1_500
/** The first pods of a workload are enough to tell how it fares. */
const maxPods = 500

/** The pods of workloads, listed on demand: cvmanager does not watch pods. */
export class PodLists {
  readonly #client: ApiClient
  readonly #clock: Clock
  readonly #recent = new Map<string, { readonly pods: Promise<readonly Pod[]>; readonly at: number }>()

  constructor(client: ApiClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /**
   * @param options.recent a recent list will do
   * @throws ApiError, TransientError
   */
  of(workload: WorkloadObject, { recent }: { readonly recent: boolean }): Promise<readonly Pod[]> {
    if (!recent) return this.#list(workload)
    const now = this.#clock.now()
    for (const [uid, { at }] of this.#recent) if (now - at >= recentMs) this.#recent.delete(uid)
    const known = this.#recent.get(workload.uid)
    if (known) return known.pods
    const pods = this.#list(workload)
    this.#recent.set(workload.uid, { pods, at: now })
    pods.catch(() => this.#recent.delete(workload.uid))
    return pods
  }

  async #list({ namespace, podSelector }: WorkloadObject): Promise<readonly Pod[]> {
    const path = `/api/v1/namespaces/${namespace}/pods`
    const query = { labelSelector: podSelector, limit: maxPods }
    const { items } = await this.#client.get<{ readonly items: readonly unknown[] }>(path, { query })
    return items.map(pod)
  }
}
