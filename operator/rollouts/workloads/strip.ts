import { fieldManager } from '../../kubernetes/client.ts'
import type { Container, Health, WorkloadObject } from './workload.ts'

interface ManagedFields {
  readonly manager?: string
  readonly operation?: string
  readonly subresource?: string
  readonly fieldsV1?: unknown
}

/** The fields in use that Deployments, StatefulSets and DaemonSets have in common. */
export interface RawWorkload {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly labels?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly ownerReferences?: readonly { readonly controller?: boolean }[]
    readonly managedFields?: readonly ManagedFields[]
  }
  readonly spec: {
    readonly selector: LabelSelector
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly name: string; readonly image?: string }[]
        readonly imagePullSecrets?: readonly { readonly name?: string }[]
        readonly serviceAccountName?: string
      }
    }
  }
}

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

export const healthy: Health = { state: 'healthy' }
export const waiting = (reason: string): Health => ({ state: 'waiting', reason })

/** What each kind finds out in its own way. */
interface KindFields {
  readonly progress: Health
  readonly availablePods: number
  readonly waitsFromOrdinal?: number | undefined
}

/** Keeps the fields in use of a workload. */
export function strip(kind: string, { metadata, spec }: RawWorkload, fields: KindFields): WorkloadObject {
  const pod = spec.template.spec
  return {
    key: `${metadata.namespace}/${metadata.name}`,
    resourceVersion: metadata.resourceVersion,
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    labels: metadata.labels ?? {},
    controlled: metadata.ownerReferences?.some((owner) => owner.controller === true) ?? false,
    deleting: metadata.deletionTimestamp !== undefined,
    containers: pod.containers.map(({ name, image }): Container => ({ name, image: image ?? '' })),
    imagePullSecrets: (pod.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : [])),
    serviceAccountName: pod.serviceAccountName ?? 'default',
    podSelector: selectorQuery(spec.selector),
    mustDisown: (metadata.managedFields?.some(ownedByUs) && metadata.managedFields.some(isApplied)) ?? false,
    waitsFromOrdinal: undefined,
    ...fields,
  }
}

/** A label selector in the form of the API's `labelSelector` query (k8s.io/apimachinery/pkg/labels). */
function selectorQuery({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`)
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'In':
        return `${key} in (${values.join(',')})`
      case 'NotIn':
        return `${key} notin (${values.join(',')})`
      case 'Exists':
        return key
      default:
        return `!${key}`
    }
  })
  return [...equal, ...expressions].join(',')
}

/**
 * If another manager applies the object server-side, and cvmanager owns one of its fields, the manager's next apply fails
 * with a conflict (docs/architecture.md, "Beside Helm and GitOps").
 */
const isApplied = ({ operation, subresource }: ManagedFields): boolean => operation === 'Apply' && !subresource

/** Whether cvmanager's own patch of the object itself left this entry of `managedFields`. */
export function ownedByUs({ manager, operation, subresource }: ManagedFields): boolean {
  return manager === fieldManager && operation === 'Update' && !subresource
}
