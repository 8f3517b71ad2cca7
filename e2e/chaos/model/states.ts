/** What the audit log says about a namespace: every state in which cvmanager or a person has left an object, in the order of commit. */

import { containerVersionLabel } from '../../../operator/api/names.ts'
import type { ContainerVersionStatus } from '../../../operator/api/status.ts'
import { type AuditEvent, writeVerbs } from '../../harness/audit.ts'
import { operatorUser } from '../../scenario/bed.ts'

interface PodSpec {
  readonly containers: readonly { readonly name: string; readonly image: string }[]
  readonly initContainers?: PodSpec['containers']
}

export interface RawObject {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly finalizers?: readonly string[]
    readonly deletionTimestamp?: string
    readonly deletionGracePeriodSeconds?: number
    readonly ownerReferences?: readonly { readonly uid: string }[]
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec?: {
    readonly template?: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> }
      readonly spec: PodSpec
    }
    readonly jobTemplate?: { readonly spec: { readonly template: { readonly spec: PodSpec } } }
    readonly containers?: PodSpec['containers']
    readonly selector?: Readonly<Record<string, string>>
    readonly replicas?: number
  }
  readonly status?: ContainerVersionStatus
  readonly data?: Readonly<Record<string, string>>
}

export interface State {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** etcd's, so that it orders the writes to all objects. */
  readonly revision: number
  readonly by: 'cvmanager' | 'people'
  readonly verb: string
  readonly resource: string
  readonly object: RawObject
}

const people = 'kubernetes-admin'

/** Records all that happens to the objects that the model looks at, with the answers, and nothing else. Nodes and controllers move pods, too. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  omitManagedFields: true,
  rules: [
    { level: 'None', resources: [{ group: 'coordination.k8s.io' }, { group: 'rbac.authorization.k8s.io' }] },
    { level: 'RequestResponse', users: [operatorUser, people], verbs: [...writeVerbs] },
    {
      level: 'RequestResponse',
      resources: [{ group: '', resources: ['pods', 'pods/status'] }],
      verbs: [...writeVerbs],
    },
    { level: 'None' },
  ],
}

export function statesOf(events: readonly AuditEvent[]): readonly State[] {
  const states = events.flatMap((event): State[] => {
    const { user, verb, objectRef, responseStatus, stageTimestamp } = event
    const object = event.responseObject as RawObject | undefined
    const isDone = (responseStatus?.code ?? 500) < 300
    const isTheirs = user.username === operatorUser || user.username === people
    if (!isDone || !isTheirs || !objectRef || !object?.metadata?.resourceVersion || !object.metadata.uid) return []
    const { resource, subresource } = objectRef
    return [
      {
        at: Date.parse(stageTimestamp),
        revision: Number(object.metadata.resourceVersion),
        by: user.username === operatorUser ? 'cvmanager' : 'people',
        verb,
        resource: subresource ? `${resource}/${subresource}` : resource,
        object,
      },
    ]
  })
  states.sort((one, other) => one.revision - other.revision)
  // A write without effect gets the revision of the one before.
  return states.filter(({ revision }, index) => revision !== states[index - 1]?.revision)
}

/** The image of each container. */
export function imagesOf({ spec }: RawObject): ReadonlyMap<string, string> {
  const pod = spec?.jobTemplate?.spec.template.spec ?? spec?.template?.spec ?? (spec?.containers && (spec as PodSpec))
  const all = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
  return new Map(all.map(({ name, image }) => [name, image]))
}

/** Whether it is the pod of a check. */
export const isOfCheck = ({ kind, metadata: { labels = {} } }: RawObject): boolean =>
  kind === 'Pod' && containerVersionLabel in labels

/** A container that has got another image, or has come with it. */
export interface ImageChange extends Omit<State, 'object'> {
  readonly workload: string
  readonly uid: string
  readonly container: string
  /** Undefined if the workload is new. */
  readonly from: string | undefined
  readonly to: string
}

export function imageChangesOf(states: readonly State[]): readonly ImageChange[] {
  const known = new Map<string, ReadonlyMap<string, string>>()
  return states.flatMap(({ object, ...state }) => {
    // A Scale has the UID of its workload, and no images.
    if (object.kind === 'Scale' || isOfCheck(object)) return []
    const { uid, name } = object.metadata
    const images = imagesOf(object)
    const before = known.get(uid)
    known.set(uid, images)
    const workload = `${object.kind}/${name}`
    return [...images].flatMap(([container, to]) => {
      const from = before?.get(container)
      return from === to ? [] : [{ ...state, workload, uid, container, from, to }]
    })
  })
}
