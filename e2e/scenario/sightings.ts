import type { ContainerVersionStatus } from '../../operator/api/status.ts'
import type { ApiClient } from '../../operator/kubernetes/client.ts'
import { ListWatch } from '../../operator/kubernetes/list-watch.ts'
import type { CachedObject } from '../../operator/kubernetes/store.ts'
import { systemClock } from '../../operator/time/clock.ts'

/** An object at one moment, with the fields that tests wait for. */
export interface Sighting {
  readonly uid: string
  readonly generation: number
  readonly finalizers: readonly string[]
  /** The images of a workload's template; those of init containers last. */
  readonly images: readonly string[]
  /** How many pods of a workload are ready. */
  readonly ready: number
  /** The status of a ContainerVersion. */
  readonly status: ContainerVersionStatus
}

interface PodSpec {
  readonly containers?: readonly { readonly image: string }[]
  readonly initContainers?: readonly { readonly image: string }[]
}

interface Template {
  readonly spec: PodSpec
}

interface Raw {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly finalizers?: readonly string[]
  }
  readonly spec: PodSpec & {
    readonly template?: Template
    readonly jobTemplate?: { readonly spec: { readonly template: Template } }
  }
  readonly status?: ContainerVersionStatus & { readonly readyReplicas?: number; readonly numberReady?: number }
}

type Seen = Sighting & CachedObject

/** The API of each kind. */
const watched = {
  Deployment: '/apis/apps/v1',
  StatefulSet: '/apis/apps/v1',
  DaemonSet: '/apis/apps/v1',
  ReplicaSet: '/apis/apps/v1',
  CronJob: '/apis/batch/v1',
  Job: '/apis/batch/v1',
  Pod: '/api/v1',
  ContainerVersion: '/apis/cvmanager.io/v1',
} as const

export type WatchedKind = keyof typeof watched

export const pathOf = (kind: WatchedKind, namespace: string, name: string): string =>
  `${watched[kind]}/namespaces/${namespace}/${pluralOf(kind)}/${name}`

const pluralOf = (kind: string): string => `${kind.toLowerCase()}s`

/** Pods and ReplicaSets of controllers are none that tests wait for. */
const labelSelector = '!pod-template-hash,!controller-revision-hash'

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** Watches the whole cluster and keeps every state, even one that lasted for a millisecond. */
export class Sightings {
  readonly #lists = new Map<WatchedKind, ListWatch<Seen>>()
  readonly #seen = new Map<string, Sighting[]>()
  #wake = Promise.withResolvers<void>()

  static async start(client: ApiClient): Promise<Sightings> {
    const sightings = new Sightings()
    for (const [kind, api] of Object.entries(watched) as [WatchedKind, string][]) {
      const path = `${api}/${pluralOf(kind)}`
      const selectors = { labelSelector }
      const list = new ListWatch<Seen>({ client, path, selectors, strip, log: quiet, clock: systemClock })
      list.cache.onChange((change) => {
        if (change.type !== 'deleted') sightings.#add(`${kind} ${change.now.key}`, change.now)
      })
      list.start()
      sightings.#lists.set(kind, list)
    }
    await Promise.all([...sightings.#lists.values()].map(({ synced }) => synced))
    return sightings
  }

  /** All states of one object so far, oldest first. */
  of(kind: WatchedKind, namespace: string, name: string): readonly Sighting[] {
    return this.#seen.get(`${kind} ${namespace}/${name}`) ?? []
  }

  /** The object now; undefined if there is none. */
  now(kind: WatchedKind, namespace: string, name: string): Sighting | undefined {
    return this.#lists.get(kind)?.cache.get(`${namespace}/${name}`)
  }

  /** Returns at the next change of anything, or after the time. */
  async change(withinMs: number): Promise<void> {
    const end = Promise.withResolvers<void>()
    const timer = setTimeout(end.resolve, withinMs)
    await Promise.race([this.#wake.promise, end.promise])
    clearTimeout(timer)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#lists.values()].map((list) => list.stop()))
  }

  #add(key: string, sighting: Sighting): void {
    this.#seen.set(key, [...(this.#seen.get(key) ?? []), sighting])
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}

function strip(raw: unknown): Seen {
  const { metadata, spec, status } = raw as Raw
  const pod = (spec?.template ?? spec?.jobTemplate?.spec.template)?.spec ?? spec
  return {
    key: `${metadata.namespace}/${metadata.name}`,
    resourceVersion: metadata.resourceVersion,
    uid: metadata.uid,
    generation: metadata.generation ?? 0,
    finalizers: metadata.finalizers ?? [],
    images: [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])].map(({ image }) => image),
    ready: status?.readyReplicas ?? status?.numberReady ?? 0,
    status: status ?? {},
  }
}
