import { isDeepStrictEqual } from 'node:util'
import { type ContainerVersion, containerVersion } from '../../api/container-version.ts'
import { apiVersion, finalizer, group, kind, plural, version } from '../../api/names.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { isConflict, oldView, undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'

/**
 * Writes the finalizer and the status of a ContainerVersion. The API server refuses a write if the object has changed; then
 * the object is read again, since the watch may be late.
 */
export class StatusWriter {
  readonly #client: ApiClient
  readonly #onSeen: (object: ContainerVersion) => void

  /** @param onSeen receives each object as it is after a write or a read */
  constructor(client: ApiClient, onSeen: (object: ContainerVersion) => void) {
    this.#client = client
    this.#onSeen = onSeen
  }

  /** Replaces the status; sends no request if it is the same. @throws ApiError */
  async status(object: ContainerVersion, status: ContainerVersionStatus): Promise<ContainerVersion> {
    if (isDeepStrictEqual(status, object.status)) return object
    const { namespace, name, resourceVersion, spec } = object
    const body = { apiVersion, kind, metadata: { namespace, name, resourceVersion }, spec, status }
    return this.#write(object, () => this.#client.replace(path(object, 'status'), body))
  }

  /** Adds or removes cvmanager's finalizer; sends no request if nothing changes. @throws ApiError */
  async finalizer(object: ContainerVersion, present: boolean): Promise<ContainerVersion> {
    const { finalizers, deleting, resourceVersion } = object
    // The API server accepts no new finalizer on an object that is being deleted.
    if (finalizers.includes(finalizer) === present || (present && deleting)) return object
    const wanted = present ? [...finalizers, finalizer] : finalizers.filter((other) => other !== finalizer)
    const patch = { metadata: { resourceVersion, finalizers: wanted } }
    return this.#write(object, () => this.#client.mergePatch(path(object), patch))
  }

  /** Reads the object again. @throws ApiError 409 if it has changed since it was observed */
  async confirm(object: ContainerVersion): Promise<void> {
    const found = await this.#read(object)
    if (found?.resourceVersion !== object.resourceVersion) throw oldView(`ContainerVersion ${object.key}`)
  }

  async #write(object: ContainerVersion, write: () => Promise<unknown>): Promise<ContainerVersion> {
    try {
      return this.#seen(await write())
    } catch (thrown) {
      if (isConflict(thrown)) await this.#read(object)
      throw thrown
    }
  }

  async #read(object: ContainerVersion): Promise<ContainerVersion | undefined> {
    const found = await this.#client.get(path(object)).catch(undefinedIfNotFound)
    return found === undefined ? undefined : this.#seen(found)
  }

  #seen(raw: unknown): ContainerVersion {
    const object = containerVersion(raw)
    // A deleted object without finalizers is gone: the watch will say so.
    if (!object.deleting || object.finalizers.length > 0) this.#onSeen(object)
    return object
  }
}

const path = ({ namespace, name }: ContainerVersion, subresource?: string): string =>
  resourcePath({ group, version, plural }, { namespace, name, subresource })
