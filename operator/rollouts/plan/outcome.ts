import type { ContainerVersionStatus, Outcome, PastRollout, Quarantined, RolloutStatus } from '../../api/status.ts'
import { timestamp } from '../../time/clock.ts'
import { failureState } from '../gates/quarantine.ts'
import type { Happening, Observation, Plan } from '../observe/observation.ts'
import { kept } from './carried-over.ts'
import { type State, stated } from './conditions.ts'
import { happening } from './events.ts'

const rolloutsKept = 10

/** A rollout has ended: it is recorded, and the status afterwards says what came of it. */
export function ended({ object, now }: Observation, rollout: RolloutStatus): Plan {
  const { outcome = 'Aborted', endTime = timestamp(now), digest, version, image } = rollout
  const failure: Quarantined | undefined =
    outcome === 'RolledBack' || outcome === 'Failed'
      ? { digest, version, outcome, message: rollout.message ?? outcome, since: endTime, generation: object.generation }
      : undefined
  const after: ContainerVersionStatus = {
    ...kept(object, digest),
    ...stated(object, now, failure ? failureState(failure, object.spec) : state(outcome, rollout)),
    ...(outcome === 'Succeeded' ? { current: { digest, version, image, since: endTime } } : {}),
    ...(failure ? { quarantined: [failure], next: { digest, version, heldBy: 'Quarantine' } } : {}),
    rollouts: past(object.status.rollouts, rollout),
  }
  return {
    status: object.status,
    happenings: [],
    action: { action: 'record', rollout, after, happenings: [told(outcome, rollout)] },
    again: now,
  }
}

function state(outcome: Outcome, { version, message }: RolloutStatus): State {
  return outcome === 'Succeeded'
    ? { phase: 'UpToDate', reason: 'UpToDate', message: `all workloads run ${version}` }
    : { phase: 'Pending', reason: outcome, message: `the rollout of ${version} has ended: ${message}` }
}

function told(outcome: Outcome, rollout: RolloutStatus): Happening {
  const { version, digest, message, from } = rollout
  const took = duration(rollout)
  switch (outcome) {
    case 'Succeeded':
      return happening(
        rollout,
        'Normal',
        'RolloutSucceeded',
        `${version} (${digest}) is rolled out and healthy, after ${took}`,
      )
    case 'RolledBack':
      return happening(
        rollout,
        'Warning',
        'RolledBack',
        `${version} failed and was rolled back${from ? ` to ${from}` : ''}, after ${took}: ${message}`,
      )
    case 'Failed':
      return happening(
        rollout,
        'Warning',
        'LeftInPlace',
        `${version} failed and was left in place, after ${took}: ${message}`,
      )
    case 'Superseded':
    case 'Aborted':
      return happening(
        rollout,
        'Normal',
        `Rollout${outcome}`,
        `the rollout of ${version} has ended after ${took}: ${message}`,
      )
  }
}

/** The last rollouts with this one in front, once. */
export function past(before: readonly PastRollout[] | undefined, rollout: RolloutStatus): readonly PastRollout[] {
  const { id, digest, version, from, outcome = 'Aborted', message, startTime, endTime = startTime } = rollout
  const entry: PastRollout = {
    id,
    digest,
    version,
    ...(from === undefined ? {} : { from }),
    outcome,
    ...(message === undefined ? {} : { message }),
    startTime,
    endTime,
    duration: duration(rollout),
  }
  return [entry, ...(before ?? []).filter((other) => other.id !== id)].slice(0, rolloutsKept)
}

/** In the form of Go's time.Duration in whole seconds, e.g. 1h2m3s. */
function duration({ startTime, endTime = startTime }: RolloutStatus): string {
  const seconds = Math.max(0, Math.round((Date.parse(endTime) - Date.parse(startTime)) / 1000))
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds % 60}s`
}
