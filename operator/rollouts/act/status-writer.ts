import { isDeepStrictEqual } from 'node:util'
import { type ContainerVersion, containerVersion } from '../../api/container-version.ts'
import { apiVersion, finalizer, group, kind, plural, version } from '../../api/names.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'

/** What was read so long ago still counts as now: less than it takes anybody to see a change and act upon it. */
const aheadMs = 100
const mostAhead = 8

/** The object has changed since it was read, and the watch has not told it yet; the cache has it by now. */
export class ViewOutdated extends Error {
  override readonly name = 'ViewOutdated'
}

/** The finalizers and the status of a ContainerVersion: each write is refused if the object has changed since it was read. */
export class ObjectWriter {
  readonly #client: ApiClient
  readonly #written: (object: ContainerVersion) => void
  readonly #ahead = new Map<string, { readonly at: number; readonly version: Promise<string | undefined> }>()

  /** @param written is given each object as it is after a write */
  constructor(client: ApiClient, written: (object: ContainerVersion) => void) {
    this.#client = client
    this.#written = written
  }

  /** Begins to read an object whose newest version will be asked for in a moment. */
  readAhead(object: ContainerVersion): void {
    const now = performance.now()
    for (const [key, { at }] of this.#ahead) if (now - at > aheadMs) this.#ahead.delete(key)
    // Of many at once most would be outdated before their turn.
    if (this.#ahead.size >= mostAhead) return
    const version = this.#newest(object)
    // Whoever needs it hears of the failure; where nobody does, it is nobody's.
    version.catch(() => undefined)
    this.#ahead.set(object.key, { at: now, version })
  }

  /**
   * Makes sure that a view is of now, where a write that this object's version does not guard hangs on it.
   * @throws ViewOutdated; ApiError
   */
  async assertCurrent(object: ContainerVersion): Promise<void> {
    const ahead = this.#ahead.get(object.key)
    this.#ahead.delete(object.key)
    if (ahead !== undefined && performance.now() - ahead.at <= aheadMs) {
      const version = await ahead.version.catch(() => undefined)
      if (version === object.resourceVersion) return
    }
    if ((await this.#newest(object)) !== object.resourceVersion) throw new ViewOutdated()
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

  /** @returns undefined where it is gone, or another */
  async #newest(object: ContainerVersion): Promise<string | undefined> {
    try {
      const now = this.#keep(await this.#client.get(path(object)))
      return now.uid === object.uid ? now.resourceVersion : undefined
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined
      throw thrown
    }
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
