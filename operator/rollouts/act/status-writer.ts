import { isDeepStrictEqual } from 'node:util'
import { type ContainerVersion, containerVersion } from '../../api/container-version.ts'
import { apiVersion, finalizer, group, kind, plural, version } from '../../api/names.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'

/** The finalizers and the status of a ContainerVersion: each write is refused if the object has changed since it was read. */
export class ObjectWriter {
  readonly #client: ApiClient
  readonly #written: (object: ContainerVersion) => void

  /** @param written is given each object as it is after a write */
  constructor(client: ApiClient, written: (object: ContainerVersion) => void) {
    this.#client = client
    this.#written = written
  }

  /** The status as it is to be; no request where it is so already. @throws ApiError */
  async status(object: ContainerVersion, status: ContainerVersionStatus): Promise<ContainerVersion> {
    if (isDeepStrictEqual(status, object.status)) return object
    const { namespace, name, resourceVersion, spec } = object
    const body = { apiVersion, kind, metadata: { namespace, name, resourceVersion }, spec, status }
    return this.#keep(await this.#client.replace(path(object, 'status'), body))
  }

  /** Our finalizer present, or not. @throws ApiError */
  async finalizer(object: ContainerVersion, present: boolean): Promise<ContainerVersion> {
    const { finalizers, deleting, resourceVersion } = object
    // The API server takes no new finalizer on an object that is being deleted.
    if (finalizers.includes(finalizer) === present || (present && deleting)) return object
    const wanted = present ? [...finalizers, finalizer] : finalizers.filter((other) => other !== finalizer)
    return this.#keep(
      await this.#client.mergePatch(path(object), { metadata: { resourceVersion, finalizers: wanted } }),
    )
  }

  #keep(raw: unknown): ContainerVersion {
    const object = containerVersion(raw)
    // The last finalizer of a deleted object: it is gone, and the watch will say so.
    if (!object.deleting || object.finalizers.length > 0) this.#written(object)
    return object
  }
}

const path = ({ namespace, name }: ContainerVersion, subresource?: string): string =>
  resourcePath({ group, version, plural }, { namespace, name, subresource })
