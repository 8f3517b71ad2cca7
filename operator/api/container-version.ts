import { reconcileAnnotation } from './names.ts'
import type { ContainerVersionSpec } from './spec.ts'
import type { ContainerVersionStatus } from './status.ts'

/** A ContainerVersion in the cache, with only the metadata that cvmanager uses. */
export interface ContainerVersion {
  /** `namespace/name`. */
  readonly key: string
  readonly resourceVersion: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly generation: number
  readonly finalizers: readonly string[]
  readonly deleting: boolean
  /** The annotation `cvmanager.io/reconcile`: a new value asks for a poll and a reconcile at once. */
  readonly reconcileRequest?: string | undefined
  readonly spec: ContainerVersionSpec
  readonly status: ContainerVersionStatus
}

interface Raw {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly annotations?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
    readonly deletionTimestamp?: string
  }
  readonly spec: ContainerVersionSpec
  readonly status?: ContainerVersionStatus
}

/** @param raw an object from the API server, which has validated it against the schema */
export function containerVersion(raw: unknown): ContainerVersion {
  const { metadata, spec, status } = raw as Raw
  return {
    key: `${metadata.namespace}/${metadata.name}`,
    resourceVersion: metadata.resourceVersion,
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 1,
    finalizers: metadata.finalizers ?? [],
    deleting: metadata.deletionTimestamp !== undefined,
    reconcileRequest: metadata.annotations?.[reconcileAnnotation],
    spec,
    status: status ?? {},
  }
}
