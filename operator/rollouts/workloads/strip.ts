import type {
  V1LabelSelector,
  V1ManagedFieldsEntry,
  V1ObjectMeta,
  V1PodSpec,
  V1PodTemplateSpec,
} from '@kubernetes/client-node'
import { orderAnnotation } from '../../api/names.ts'
import { fieldManager } from '../../kubernetes/client.ts'
import type { Container, Health, WorkloadKind, WorkloadObject } from './workload.ts'

export const healthy: Health = { state: 'healthy' }
export const waiting = (reason: string) => ({ state: 'waiting', reason }) as const
/** The API server refuses its pods, by a quota or a policy. */
export const refused = (reason: string): Health => ({ state: 'waiting', reason, because: 'Quota' })
export const paused: Health = {
  state: 'waiting',
  reason: 'it is paused; resume it with `kubectl rollout resume`',
  because: 'Paused',
}
/** A workload whose pods somebody must delete, one after another. @param how why, and what to do */
export const onDelete = (
  updated: number,
  wanted: number,
  how = 'its updateStrategy is OnDelete: delete the pods, or set RollingUpdate',
): Health => ({ state: 'waiting', reason: `${updated} of ${wanted} pods updated; ${how}`, because: 'OnDelete' })

/** What each kind finds out in its own way. */
interface KindFields {
  readonly progress: Health
  readonly availablePods: number
  readonly missingPods: number | undefined
  readonly uncreatedPods?: number
  readonly restarts?: number
  readonly revision?: string | undefined
  readonly timedOut?: WorkloadObject['timedOut']
  readonly waitsFromOrdinal?: number | undefined
  readonly ended?: boolean
}

interface RawObject {
  readonly metadata?: V1ObjectMeta
  readonly spec?: {
    readonly replicas?: number
    readonly selector?: V1LabelSelector
  }
}

/** What a kind is, with how it reads its own fields in place of `strip`. */
interface Definition<T> extends Omit<WorkloadKind, 'version' | 'strip'> {
  readonly fieldsOf: (object: T) => KindFields
}

export function workloadKindOf<T extends object>({ fieldsOf, ...definition }: Definition<T>): WorkloadKind {
  const { kind, podTemplate } = definition
  const strip = (raw: unknown) => stripped(kind, podTemplate, raw as RawObject, fieldsOf(raw as T))
  return { ...definition, version: 'v1', strip }
}

/** A kind of workload in the API group `apps`. */
export function appsKind<T extends object>(
  kind: string,
  plural: string,
  fieldsOf: (object: T) => KindFields,
  more: Pick<WorkloadKind, 'templates' | 'revisionOf'> & Partial<Pick<WorkloadKind, 'watched' | 'progressOf'>>,
): WorkloadKind {
  const common = { group: 'apps', podTemplate: ['spec', 'template'], rolls: 'ByPatch' } as const
  return workloadKindOf({ kind, plural, fieldsOf, ...common, ...more })
}

interface Observable {
  readonly metadata?: V1ObjectMeta
  readonly status?: { readonly observedGeneration?: number }
}

/** Whether the controller of a workload has seen its last change (B19). */
export function isObserved({ metadata, status }: Observable): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0)
}

/** The object that alone decides about this one. */
export function controllerOf(metadata: V1ObjectMeta | undefined): string | undefined {
  return metadata?.ownerReferences?.find((owner) => owner.controller === true)?.uid
}

function containersOf(pod: V1PodSpec | undefined): readonly Container[] {
  return [
    ...(pod?.containers ?? []).map(({ name, image = '' }) => ({ name, image })),
    ...(pod?.initContainers ?? []).map(({ name, image = '' }) => ({ name, image, init: true as const })),
  ]
}

/** What is no integer counts as 0: it must not keep a version from going out. */
function orderOf(annotations: Readonly<Record<string, string>> = {}): number {
  const order = Number(annotations[orderAnnotation])
  return Number.isSafeInteger(order) ? order : 0
}

/** Of the mirror that the kubelet makes of a static pod: its file on the node decides. */
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** Keeps the fields in use of a workload. */
function stripped(kind: string, podTemplate: readonly string[], raw: RawObject, fields: KindFields): WorkloadObject {
  const { metadata, spec } = raw
  const { namespace = '', name = '', uid = '', resourceVersion = '', managedFields = [], ...rest } = metadata ?? {}
  const template = at(raw, podTemplate) as V1PodTemplateSpec | undefined
  const pod = template?.spec
  return {
    key: `${namespace}/${name}`,
    resourceVersion,
    kind,
    namespace,
    name,
    uid,
    generation: rest.generation ?? 0,
    labels: rest.labels ?? {},
    controlled:
      rest.ownerReferences?.some((owner) => owner.controller === true) === true ||
      rest.annotations?.[mirrorAnnotation] !== undefined,
    ended: false,
    deleting: rest.deletionTimestamp !== undefined,
    containers: containersOf(pod),
    order: orderOf(rest.annotations),
    replicas: spec?.replicas,
    podLabels: template?.metadata?.labels ?? {},
    imagePullSecrets: (pod?.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : [])),
    serviceAccountName: pod?.serviceAccountName ?? 'default',
    podSelector: selectorQuery(spec?.selector ?? {}),
    mustDisown: managedFields.some(ownedByUs) && managedFields.some(isApplied),
    uncreatedPods: 0,
    restarts: 0,
    revision: undefined,
    timedOut: undefined,
    waitsFromOrdinal: undefined,
    ...fields,
  }
}

/** The value at a path; undefined if there is none. */
function at(object: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return object
  return at((object as Readonly<Record<string, unknown>> | undefined)?.[key], rest)
}

/** A label selector in the form of the API's `labelSelector` query (k8s.io/apimachinery/pkg/labels). */
export function selectorQuery({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector): string {
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
const isApplied = ({ operation, subresource }: V1ManagedFieldsEntry): boolean => operation === 'Apply' && !subresource

/** Whether cvmanager's own change of the object, or of its scale, left this entry of `managedFields`. */
export function ownedByUs({ manager, operation, subresource }: V1ManagedFieldsEntry): boolean {
  return manager === fieldManager && operation === 'Update' && (!subresource || subresource === 'scale')
}
