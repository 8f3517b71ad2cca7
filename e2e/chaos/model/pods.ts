/** What the audit log says about the lives of pods, whoever has made, changed or deleted them. */
import { checkLabel } from '../../../operator/api/names.ts'
import type { AuditEvent } from '../../harness/audit.ts'
import { imagesOf, isOfCheck, type RawObject } from './states.ts'

/** How a pod was at a time. */
export interface PodSight {
  /** When the request arrived, in milliseconds since the epoch: it was like that not earlier. */
  readonly at: number
  readonly revision: number
  readonly isReady: boolean
  /** Its containers have ended, or it is gone. */
  readonly end: 'Succeeded' | 'Failed' | 'gone' | undefined
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
    const pod = event.responseObject as RawPod
    const before = lives.get(pod.metadata.uid)
    if (!before && event.verb !== 'create') continue
    const life = before ?? begin(pod)
    lives.set(life.uid, { ...life, sights: [...life.sights, sightOf(pod, at, event.verb)] })
  }
  return [...lives.values()]
}

type RawPod = Omit<RawObject, 'status'> & {
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

/** What has happened to pods, in the order of commit. */
function inOrder(events: readonly AuditEvent[]): readonly AuditEvent[] {
  const ofPods = events.filter(({ objectRef, responseStatus, responseObject }) => {
    const isDone = (responseStatus?.code ?? 500) < 300
    const { kind } = (responseObject ?? {}) as Partial<RawObject>
    return isDone && objectRef?.resource === 'pods' && kind === 'Pod'
  })
  return ofPods.sort(
    (one, other) => revisionOf(one.responseObject as RawPod) - revisionOf(other.responseObject as RawPod),
  )
}

const revisionOf = ({ metadata: { resourceVersion } }: RawPod): number => Number(resourceVersion)

function begin(pod: RawPod): PodLife {
  const { uid, name, labels = {}, ownerReferences = [] } = pod.metadata
  const object = pod as RawObject
  const checks = isOfCheck(object)
    ? { owner: ownerReferences[0]?.uid ?? '', check: labels[checkLabel] ?? '' }
    : undefined
  return { uid, name, labels, images: new Set(imagesOf(object).values()), checks, sights: [] }
}

function sightOf(pod: RawPod, at: number, verb: string): PodSight {
  const { phase, conditions = [] } = pod.status ?? {}
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata
  const ended = phase === 'Succeeded' || phase === 'Failed' ? phase : undefined
  const isReady = conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')
  return {
    at,
    revision: revisionOf(pod),
    isReady: isReady && verb !== 'delete' && deletionTimestamp === undefined,
    // With time to end, it is deleted for good by another request.
    end: verb === 'delete' && deletionGracePeriodSeconds === 0 ? 'gone' : ended,
  }
}

/** How it was at this time; undefined: it was not yet there. */
export const sightAt = ({ sights }: PodLife, at: number): PodSight | undefined =>
  sights.findLast((sight) => sight.at <= at)
