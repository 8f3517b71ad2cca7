/** What the audit log says about the lives of pods, whoever has made, changed or deleted them. */
import { checkLabel } from '../../../operator/api/names.ts'
import type { AuditEvent } from '../../harness/audit.ts'
import { imagesOf, isOfCheck, type RawObject } from './states.ts'

/** How a pod was at a time. */
export interface PodSight {
  /** When the request arrived, in milliseconds since the epoch: it was like that not earlier. */
  readonly at: number
  /** Undefined: it is gone. */
  readonly revision: number | undefined
  readonly isReady: boolean
  /** Its containers have ended, with this. */
  readonly phase: 'Succeeded' | 'Failed' | undefined
}

export interface PodLife {
  readonly uid: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly images: ReadonlySet<string>
  /** The UID of the ContainerVersion that it checks for, and the check. */
  readonly checks: { readonly owner: string; readonly check: string } | undefined
  /** In order; the first one is its creation. */
  readonly sights: readonly PodSight[]
}

/** Of those that were created while the audit log was written. */
export function livesOf(events: readonly AuditEvent[]): readonly PodLife[] {
  const lives = new Map<string, PodLife>()
  for (const event of inOrder(events)) {
    const at = Date.parse(event.requestReceivedTimestamp)
    const answer = event.responseObject as RawPod | Deleted
    if (answer.kind === 'Status') {
      const life = lives.get(answer.details?.uid ?? '')
      if (life) lives.set(life.uid, { ...life, sights: [...life.sights, { ...gone, at }] })
      continue
    }
    const before = lives.get(answer.metadata.uid)
    if (!before && event.verb !== 'create') continue
    const life = before ?? begin(answer)
    lives.set(life.uid, { ...life, sights: [...life.sights, sightOf(answer, at)] })
  }
  return [...lives.values()]
}

const gone = { revision: undefined, isReady: false, phase: undefined } as const

interface Deleted {
  readonly kind: 'Status'
  readonly details?: { readonly uid?: string }
}

type RawPod = Omit<RawObject, 'status' | 'kind'> & {
  readonly kind: 'Pod'
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

/** What has happened to pods. The log has the requests in the order of their ends, and a deletion has no revision. */
function inOrder(events: readonly AuditEvent[]): readonly AuditEvent[] {
  const ofPods = events.filter(({ objectRef, responseStatus, responseObject }) => {
    const isDone = (responseStatus?.code ?? 500) < 300
    return isDone && objectRef?.resource === 'pods' && responseObject !== undefined
  })
  return ofPods.sort((one, other) => Date.parse(one.stageTimestamp) - Date.parse(other.stageTimestamp))
}

function begin(pod: RawPod): PodLife {
  const { uid, name, labels = {}, ownerReferences = [] } = pod.metadata
  const object = pod as RawObject
  const checks = isOfCheck(object)
    ? { owner: ownerReferences[0]?.uid ?? '', check: labels[checkLabel] ?? '' }
    : undefined
  return { uid, name, labels, images: new Set(imagesOf(object).values()), checks, sights: [] }
}

function sightOf({ metadata, status }: RawPod, at: number): PodSight {
  const { phase, conditions = [] } = status ?? {}
  const isReady = conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')
  return {
    at,
    revision: Number(metadata.resourceVersion),
    isReady: isReady && metadata.deletionTimestamp === undefined,
    phase: phase === 'Succeeded' || phase === 'Failed' ? phase : undefined,
  }
}

/** How it was at this time; undefined: it was not yet there. */
export const sightAt = ({ sights }: PodLife, at: number): PodSight | undefined =>
  sights.findLast((sight) => sight.at <= at)
