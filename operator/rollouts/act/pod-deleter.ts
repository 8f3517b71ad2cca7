import { LRUCache } from 'lru-cache'
import { isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { pods, resourcePath } from '../../kubernetes/resource-path.ts'
import type { ObjectRef } from '../workloads/workload.ts'

/** Some 100 bytes each. */
const maxDeleted = 2_000

/** Deletes pods, each once: a list of pods may be older than a deletion. */
export class PodDeleter {
  readonly #client: ApiClient
  readonly #deleted = new LRUCache<string, true>({ max: maxDeleted })

  constructor(client: ApiClient) {
    this.#client = client
  }

  /**
   * Deletes this very pod. If it is gone, there is nothing to do.
   * @returns whether it sent a deletion
   * @throws ApiError 409 if another pod has its name, or the API server has had a conflict of its own: the next try tells
   */
  async delete({ namespace, name, uid }: ObjectRef): Promise<boolean> {
    if (this.#deleted.has(uid)) return false
    const path = resourcePath(pods, { namespace, name })
    this.#deleted.set(uid, true)
    try {
      await this.#client.delete(path, { body: { preconditions: { uid } } })
    } catch (thrown) {
      if (isNotFound(thrown)) return false
      this.#deleted.delete(uid)
      throw thrown
    }
    return true
  }
}
