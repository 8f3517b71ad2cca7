import type { V1Service } from '@kubernetes/client-node'
import type { CachedObject } from '../../kubernetes/store.ts'
import type { Labels, ServiceRef } from '../workloads/workload.ts'

/** What the cache keeps of a Service. */
export interface ServiceObject extends CachedObject, ServiceRef {
  /** Empty if it has none. */
  readonly selector: Labels
}

/** @param raw a Service as the API server sends it */
export function serviceObject(raw: unknown): ServiceObject {
  const { metadata, spec } = raw as V1Service
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = metadata ?? {}
  return { key: `${namespace}/${name}`, namespace, name, uid, resourceVersion, selector: spec?.selector ?? {} }
}
