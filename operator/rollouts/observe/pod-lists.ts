import { LRUCache } from 'lru-cache'
import type { ApiClient, Query } from '../../kubernetes/client.ts'
import type { PodFacts } from '../workloads/health.ts'
import { workloadKind } from '../workloads/kinds.ts'
import { isOwn, type Pod, pod } from '../workloads/pods.ts'
import type { Revision, WorkloadObject } from '../workloads/workload.ts'

/** A list counts as recent for this long. */
const recentMs = 1_500
const pageSize = 500
/** The first own pods of a workload are enough to judge its health. */
const maxPods = 500
/** Some 500 bytes each. */
const maxRevisions = 2_000

interface Page {
  readonly metadata: { readonly continue?: string }
  readonly items: readonly unknown[]
}

/** The pods of workloads, listed on demand: cvmanager does not watch pods. */
export class PodLists {
  readonly #client: ApiClient
  readonly #recent = new LRUCache<string, PodFacts, { readonly workload: WorkloadObject; readonly all: boolean }>({
    ttl: recentMs,
    ttlAutopurge: true,
    ignoreFetchAbort: true,
    fetchMethod: (_key, _old, { context: { workload, all } }) => this.#facts(workload, all),
  })
  /** While a workload has one template, the same objects control its pods. */
  readonly #revisions = new LRUCache<string, Revision>({ max: maxRevisions })

  constructor(client: ApiClient) {
    this.#client = client
  }

  /**
   * @param options.recent whether a recent list will do
   * @param options.all whether the pods are counted
   * @throws ApiError, TransientError
   */
  of(workload: WorkloadObject, { recent, all = false }: { recent: boolean; all?: boolean }): Promise<PodFacts> {
    if (!recent) return this.#facts(workload, all)
    return this.#recent.forceFetch(`${keyOf(workload)} ${all}`, { context: { workload, all } })
  }

  async #facts(workload: WorkloadObject, all: boolean): Promise<PodFacts> {
    const revision = await this.#revision(workload)
    return { pods: await this.#pods(workload, revision, all), replicaSet: revision.replicaSet }
  }

  async #revision(workload: WorkloadObject): Promise<Revision> {
    const known = this.#revisions.get(keyOf(workload))
    if (known) return known
    const { templates, revisionOf } = workloadKind(workload.kind)
    const listed: unknown[] = []
    if (templates !== undefined) {
      const path = `/apis/apps/v1/namespaces/${workload.namespace}/${templates}`
      const { podSelector: labelSelector } = workload
      for await (const items of this.#list(path, { labelSelector })) listed.push(...items)
    }
    const found = revisionOf(workload, listed)
    if (found.present !== undefined) this.#revisions.set(keyOf(workload), found)
    return found
  }

  /**
   * Other pods with its labels do not count for the bound. Of a StatefulSet any pod may block a change, and of a ReplicaSet all
   * must have it.
   */
  async #pods(workload: WorkloadObject, revision: Revision, counted: boolean): Promise<readonly Pod[]> {
    const { podTemplate, progressOf } = workloadKind(workload.kind)
    const all = counted || workload.waitsFromOrdinal !== undefined || progressOf !== undefined
    const enough = all ? Number.POSITIVE_INFINITY : maxPods
    const isPod = podTemplate.length === 0
    const query = isPod ? { fieldSelector: `metadata.name=${workload.name}` } : { labelSelector: workload.podSelector }
    const own: Pod[] = []
    for await (const items of this.#list(`/api/v1/namespaces/${workload.namespace}/pods`, query)) {
      own.push(...items.filter((raw) => isOwn(raw, revision)).map((raw) => pod(raw, revision)))
      if (own.length >= enough) break
    }
    return own
  }

  /** Yields the objects that a query selects, page by page. */
  async *#list(path: string, selectors: Query): AsyncGenerator<readonly unknown[], void> {
    let next: string | undefined
    do {
      const query: Query = { ...selectors, limit: pageSize, continue: next }
      const page: Page = await this.#client.get<Page>(path, { query })
      yield page.items
      next = page.metadata.continue
    } while (next)
  }
}

/** What was seen before a change of the template says nothing about the pods after it. */
const keyOf = ({ uid, generation, revision }: WorkloadObject): string => `${uid} ${generation} ${revision}`
