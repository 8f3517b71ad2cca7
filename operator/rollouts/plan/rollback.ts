import type { RolloutStatus } from '../../api/status.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'
import type { ImageChange, Workload } from '../workloads/workload.ts'
import type { Decision } from './decision.ts'
import { inProgress, untilPodsChange } from './in-progress.ts'
import { conclude, recordOf } from './outcome.ts'

/** A pod's own message may be very long, and the status, an event and the history each repeat it. */
const maxMessageLength = 1_000

/** A rollback that starts at the deadline still gets this long to become healthy before the rollout ends. */
const rollbackGraceMs = 8_000

/** The version has failed. The previous images come back, or the new ones stay, as `rollback.enabled` says. */
export function failed(observation: Observation, rollout: RolloutStatus, reason: string, message: string): Decision {
  const failure = { ...rollout, reason, message: message.slice(0, maxMessageLength) }
  const rollsBack = observation.object.spec.rollback?.enabled ?? observation.rollbackByDefault ?? true
  return rollsBack
    ? rollBack(observation, { ...failure, phase: 'RollingBack', rollbackTime: timestamp(observation.now) })
    : conclude(observation, failure, 'Failed')
}

/** @param isOutdated another version is on offer: it need not wait for the health of the one that it replaces */
export function rollBack(observation: Observation, rollout: RolloutStatus, isOutdated = false): Decision {
  const { members, now } = observation
  const { deadline, rollbackTime = deadline, message } = rollout
  const until = Math.max(Date.parse(deadline), Date.parse(rollbackTime)) + rollbackGraceMs
  const changes = restorations(observation, rollout)
  if (changes.length > 0 && now >= until) {
    const names = changes.map(({ of }) => `${of.kind}/${of.name}`).join(', ')
    return conclude(observation, { ...rollout, message: `${message}; ${names} could not be put back` }, 'Failed')
  }
  // Reconciled again at once: the change of a workload that the selector does not find any more requeues nothing.
  if (changes.length > 0) return inProgress(rollout, { changes, requeueAt: now })
  const unhealthy = members.filter(({ health }) => health.state !== 'healthy')
  const hopeless = unhealthy.every(({ health, blockers }) => health.state === 'stuck' && blockers.length === 0)
  if (hopeless || isOutdated || now >= until) return conclude(observation, withHealth(rollout, unhealthy), 'RolledBack')
  return inProgress(rollout, untilPodsChange(members, until, now))
}

/** The object is being deleted: the rollout ends with all workloads as they were before it. */
export function abort(observation: Observation, rollout: RolloutStatus): Decision {
  if (rollout.phase === 'Recording') return recordOf(observation, rollout)
  const { message = 'the ContainerVersion was deleted' } = rollout
  const aborted: RolloutStatus = { ...rollout, phase: 'RollingBack', message }
  const changes = restorations(observation, rollout)
  // Reconciled again at once: an object that is being deleted selects nothing, so that no change requeues it.
  if (changes.length > 0) return inProgress(aborted, { changes, requeueAt: observation.now })
  return conclude(observation, aborted, 'Aborted')
}

/** Restores what this rollout has changed, and nothing that somebody else has changed since. */
function restorations({ members }: Observation, rollout: RolloutStatus): ImageChange[] {
  return members.flatMap((workload) => {
    const previous = rollout.workloads.find(({ uid }) => uid === workload.ref.uid)?.previous ?? []
    const images = previous.filter(
      ({ name, image }) => image !== rollout.image && imageIn(workload, name) === rollout.image,
    )
    return images.length > 0 ? [workload.restore(images)] : []
  })
}

const imageIn = ({ containers }: Workload, name: string) =>
  containers.find((container) => container.name === name)?.image

/** The message says which workload is not healthy with its previous image. */
function withHealth(rollout: RolloutStatus, [first]: readonly Workload[]): RolloutStatus {
  if (!first || first.health.state === 'healthy') return rollout
  const { message } = rollout
  const trouble = `with its previous image, ${first.name} is not healthy yet: ${first.health.reason}`
  return { ...rollout, message: `${message}; ${trouble}` }
}
