import { createHash } from 'node:crypto'
import type { ContainerVersionStatus, RolloutStatus } from '../../api/status.ts'
import type { Happening } from '../observe/observation.ts'

export function happening(rollout: RolloutStatus, type: Happening['type'], reason: string, message: string): Happening {
  return { type, reason, message, id: rollout.id, workloads: rollout.workloads }
}

/** The acts of a rollout's story, which may all be told within one second. */
const acts = ['Adopted', 'RolloutSuperseded', 'RolloutStarted', 'RolloutFailed']

/** Where in the story an event of this reason stands; whatever ends it comes last. */
export function orderOf(reason: string): number {
  const at = acts.indexOf(reason)
  return at < 0 ? acts.length : at
}

/**
 * What a status has to tell as events. It follows from the status alone, so that a process that died before it could
 * tell has it told by the next one; what was told already is known by its id.
 */
export function story({
  phase,
  message = '',
  conditions,
  rollout,
  next,
}: ContainerVersionStatus): readonly Happening[] {
  if (rollout) return [started(rollout), ...(rollout.reason === undefined ? [] : [failed(rollout)])]
  const ready = conditions?.find(({ type }) => type === 'Ready')
  const troubled = phase === 'Stalled' || phase === 'Unavailable'
  const held = phase === 'Pending' && next !== undefined
  if (!ready || !(troubled || held)) return []
  const id = createHash('sha256').update(`${message} ${ready.lastTransitionTime}`).digest('hex').slice(0, 10)
  return [{ type: troubled ? 'Warning' : 'Normal', reason: ready.reason, message, id, workloads: [] }]
}

function started(rollout: RolloutStatus): Happening {
  const names = rollout.workloads.map(({ kind, name }) => `${kind}/${name}`).join(', ')
  const from = rollout.from ? `, which ran ${rollout.from}` : ''
  return happening(
    rollout,
    'Normal',
    'RolloutStarted',
    `rolling out ${rollout.version} (${rollout.digest}) to ${names}${from}`,
  )
}

function failed(rollout: RolloutStatus): Happening {
  const consequence =
    rollout.outcome === 'Failed'
      ? 'The workloads stay as they are, since spec.rollback.enabled is false.'
      : 'The previous images are put back.'
  return happening(rollout, 'Warning', 'RolloutFailed', `${rollout.version} failed: ${rollout.message}. ${consequence}`)
}
