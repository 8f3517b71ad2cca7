import type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node'
import { undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { endpointsOf, isReady } from '../../kubernetes/endpoints.ts'
import { resourcePath, services } from '../../kubernetes/resource-path.ts'
import type { Store } from '../../kubernetes/store.ts'
import type { SeenAutoscaler, SeenService } from '../strategies/strategy.ts'
import { type ServiceObject, serviceObject } from './service-object.ts'

/** A cache that lists and watches only once it is started. */
export interface LazyStore<T extends ServiceObject> extends Store<T> {
  start(): void
  readonly synced: Promise<void>
}

type Seen = ReadonlyMap<string, SeenService>

/** The Services of objects whose strategy switches them. Nothing is watched before there is such an object. */
export class Services {
  readonly #client: ApiClient
  readonly #cache: LazyStore<ServiceObject>
  /** From a Service to the keys of the objects that it concerns. */
  readonly #readers = new Map<string, Set<string>>()
  #started = false
  #synced = false

  /** @param onChange receives the key of each object one of whose Services leads elsewhere now */
  constructor(client: ApiClient, cache: LazyStore<ServiceObject>, onChange: (key: string) => void) {
    this.#client = client
    this.#cache = cache
    cache.onChange((change) => {
      const isSame = change.type === 'changed' && leadsAs(change.before) === leadsAs(change.now)
      const { key } = change.type === 'deleted' ? change.before : change.now
      if (!isSame) for (const reader of this.#readers.get(key) ?? []) onChange(reader)
    })
  }

  /**
   * The Services as the watch has brought them, without their endpoints: enough to say which workloads serve users.
   * @param reader the key of the object that they concern
   * @throws ApiError, TransientError
   */
  async watched(reader: string, namespace: string, names: readonly string[]): Promise<Seen> {
    this.#start()
    for (const name of names) {
      const key = `${namespace}/${name}`
      this.#readers.set(key, (this.#readers.get(key) ?? new Set()).add(reader))
    }
    if (!this.#synced) return this.#all(names, (name) => this.#get(namespace, name))
    return this.#all(names, async (name) => seenAs(this.#cache.get(`${namespace}/${name}`)))
  }

  /** The Services as the API server has them now, with their ready endpoints. @throws ApiError, TransientError */
  fresh(namespace: string, names: readonly string[]): Promise<Seen> {
    return this.#all(names, async (name) => {
      const [service, ready] = await Promise.all([this.#get(namespace, name), this.#ready(namespace, name)])
      return service && { ...service, ready }
    })
  }

  /** By their targets, such as `Deployment/web`. @throws ApiError, TransientError */
  async autoscalers(namespace: string): Promise<ReadonlyMap<string, SeenAutoscaler>> {
    const path = resourcePath(
      { group: 'autoscaling', version: 'v2', plural: 'horizontalpodautoscalers' },
      { namespace },
    )
    const { items } = await this.#client.get<{ items: readonly V2HorizontalPodAutoscaler[] }>(path)
    return new Map(
      items.flatMap(({ metadata, spec }) => {
        if (!spec) return []
        const { kind, name } = spec.scaleTargetRef
        const { minReplicas: min = 1, maxReplicas: max } = spec
        return [[`${kind}/${name}`, { name: metadata?.name ?? '', min, max }] as const]
      }),
    )
  }

  /** The object of this key is gone. */
  forget(reader: string): void {
    for (const [key, readers] of this.#readers)
      if (readers.delete(reader) && readers.size === 0) this.#readers.delete(key)
  }

  #start(): void {
    if (this.#started) return
    this.#started = true
    this.#cache.start()
    this.#cache.synced.then(
      () => {
        this.#synced = true
      },
      // It was stopped before its first list.
      () => undefined,
    )
  }

  async #all(names: readonly string[], read: (name: string) => Promise<SeenService | undefined>): Promise<Seen> {
    const found = await Promise.all(names.map(async (name) => [name, await read(name)] as const))
    return new Map(found.flatMap(([name, service]) => (service ? [[name, service]] : [])))
  }

  async #get(namespace: string, name: string): Promise<SeenService | undefined> {
    const found = await this.#client.get(resourcePath(services, { namespace, name })).catch(undefinedIfNotFound)
    if (found === undefined) return undefined
    const service = serviceObject(found)
    this.#cache.put(service)
    return seenAs(service)
  }

  /** The UIDs of the pods behind ready endpoints. */
  async #ready(namespace: string, name: string): Promise<ReadonlySet<string>> {
    const endpoints = await endpointsOf(this.#client, namespace, name)
    return new Set(
      endpoints
        .filter(isReady)
        .flatMap(({ targetRef }) => (targetRef?.kind === 'Pod' && targetRef.uid ? [targetRef.uid] : [])),
    )
  }
}

const leadsAs = ({ uid, selector }: ServiceObject): string => JSON.stringify([uid, Object.entries(selector).sort()])

function seenAs(service: ServiceObject | undefined): SeenService | undefined {
  if (!service) return undefined
  const { namespace, name, uid, resourceVersion, selector } = service
  return { ref: { namespace, name, uid, resourceVersion }, selector, ready: new Set() }
}
