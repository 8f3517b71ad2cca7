import { hash } from 'node:crypto'
import type { ContainerVersionStatus, PastRollout, RolloutStatus } from '../../api/status.ts'
import type { EventText } from '../../kubernetes/events.ts'

export interface PlannedEvent extends EventText {
  /** Events appear on these workloads too, not only on the ContainerVersion. */
  readonly workloads: readonly { readonly kind: string; readonly name: string; readonly uid: string }[]
}

export function rolloutEvent(
  { id, workloads }: Pick<RolloutStatus, 'id' | 'workloads'>,
  type: PlannedEvent['type'],
  reason: string,
  message: string,
): PlannedEvent {
  return { type, reason, message, id, workloads }
}

/** The events of a rollout in their order; several may be written within one second. */
const reasonsInOrder = ['Adopted', 'RolloutSuperseded', 'RolloutStarted', 'RolloutFailed']

/** The place of an event among those of its second. Events that end a rollout come last. */
export function orderOf(reason: string): number {
  const at = reasonsInOrder.indexOf(reason)
  return at < 0 ? reasonsInOrder.length : at
}

/**
 * The events that belong to a status. They follow from the status alone: if the process dies before it writes them, the
 * next one does. The API server refuses an event that is there already.
 */
export function eventsOf({
  phase,
  message = '',
  conditions,
  rollout,
  rollouts,
  next,
}: ContainerVersionStatus): readonly PlannedEvent[] {
  if (rollout) {
    const failure = rollout.reason === undefined ? [] : [failed(rollout)]
    return [...replaced(rollout, rollouts ?? []), started(rollout), ...failure]
  }
  const ready = conditions?.find(({ type }) => type === 'Ready')
  const troubled = phase === 'Stalled' || phase === 'Unavailable'
  const held = phase === 'Pending' && next !== undefined
  if (!ready || !(troubled || held)) return []
  const id = hash('sha256', `${message} ${ready.lastTransitionTime}`).slice(0, 10)
  return [{ type: troubled ? 'Warning' : 'Normal', reason: ready.reason, message, id, workloads: [] }]
}

/** The events of the rollouts that this one has replaced, directly or through others. */
function replaced({ workloads }: RolloutStatus, rollouts: readonly PastRollout[]): readonly PlannedEvent[] {
  const others = rollouts.findIndex(({ outcome }) => outcome !== 'Superseded')
  return rollouts.slice(0, others < 0 ? rollouts.length : others).flatMap((past) => {
    const rollout = { ...past, workloads }
    const message = `the rollout of ${past.version} was ${past.message}, which is on offer now`
    return [started(rollout), rolloutEvent(rollout, 'Normal', 'RolloutSuperseded', message)]
  })
}

function started(rollout: Pick<RolloutStatus, 'id' | 'version' | 'digest' | 'from' | 'workloads'>): PlannedEvent {
  const { version, digest, workloads, from } = rollout
  const names = workloads.map(({ kind, name }) => `${kind}/${name}`).join(', ')
  const before = from ? `, which ran ${from}` : ''
  return rolloutEvent(rollout, 'Normal', 'RolloutStarted', `rolling out ${version} (${digest}) to ${names}${before}`)
}

function failed(rollout: RolloutStatus): PlannedEvent {
  const { version, message, outcome } = rollout
  const consequence =
    outcome === 'Failed'
      ? 'The workloads stay as they are, since rollback is off (spec.rollback.enabled, or the setting rollback).'
      : 'The previous images are put back.'
  return rolloutEvent(rollout, 'Warning', 'RolloutFailed', `${version} failed: ${message}. ${consequence}`)
}
