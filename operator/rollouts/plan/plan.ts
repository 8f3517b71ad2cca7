import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { lastVersion, type Version } from '../../discovery/target.ts'
import { NeedsChangeError, type TransientError } from '../../errors.ts'
import { composeImage } from '../../images/reference.ts'
import { checkGates, gates } from '../gates/gates.ts'
import { quarantineOf } from '../gates/quarantine.ts'
import type { Observation } from '../observe/observation.ts'
import type { Strategy } from '../strategies/strategy.ts'
import type { Change, WorkloadRef } from '../workloads/workload.ts'
import { finishedPods, withSeenPod } from './checks.ts'
import { allRun, runsInWords } from './current.ts'
import type { Decision } from './decision.ts'
import { eventsOf, type PlannedEvent } from './events.ts'
import { failureState } from './outcome.ts'
import { abort } from './rollback.ts'
import { begin, proceed } from './rollout.ts'
import { heldOf, statusOf } from './status.ts'
import { observedOf, settingsOf, strategyOf } from './strategy-of.ts'

/** `act` carries it out in this order: the status, the changes, the events, the record. */
export interface Plan {
  /** The workloads to be read again first: nothing is to be done if one of them is not as it was observed. */
  readonly confirm: readonly WorkloadRef[]
  readonly status: ContainerVersionStatus
  readonly events: readonly PlannedEvent[]
  readonly changes: readonly Change[]
  /** A rollout that has ended, with the status and the events that follow its record. */
  readonly record: RolloutRecord | undefined
  /** When to reconcile again even if nothing changes, in milliseconds since the epoch. */
  readonly requeueAt: number | undefined
}

export interface RolloutRecord {
  readonly rollout: RolloutStatus
  readonly status: ContainerVersionStatus
  readonly events: readonly PlannedEvent[]
}

/**
 * What to do about one ContainerVersion now. Pure: it has no I/O, no clock and no memory. The object's status holds
 * whatever a restart must not forget.
 */
export function plan(observation: Observation): Plan {
  const { object, workloads, now } = observation
  const decision = decide(observation)
  const { changes = [], rollout, afterRecord, requeueAt } = decision
  const status = statusOf(observation, decision)
  const disowned = workloads.filter(({ mustDisown }) => mustDisown)
  const cleanup = finishedPods(object.namespace, status, now)
  const isQuiet = changes.length === 0 && afterRecord === undefined
  return {
    confirm: [...restoredIn(observation, rollout), ...repeatedIn(observation, decision)],
    status,
    events: [...eventsOf(status, now), ...observation.missingRights.map(rightMissing)],
    changes: [...(isQuiet ? disowned.map(({ ref }): Change => ({ change: 'disown', of: ref })) : changes), ...cleanup],
    record:
      rollout &&
      afterRecord &&
      recordOf(rollout, statusOf({ ...observation, object: { ...object, status } }, afterRecord), now),
    requeueAt,
  }
}

/**
 * The workloads that are about to get a version that ran already. Unless somebody has changed them, they come from a list that
 * is older than the status.
 */
function repeatedIn({ object }: Observation, { rollout: next, changes = [] }: Decision): readonly WorkloadRef[] {
  const { rollout, current, rollouts = [] } = object.status
  if (next === undefined || next.id === rollout?.id) return []
  if (![current, ...rollouts].some((ran) => ran?.digest === next.digest)) return []
  return changes.flatMap((change) => (change.change === 'images' || change.change === 'scale' ? [change.of] : []))
}

/** The workloads of a rollback that is about to end. After a lost answer, an older view of one has the previous images still. */
function restoredIn({ object, members }: Observation, next: RolloutStatus | undefined): readonly WorkloadRef[] {
  const ends = next?.phase === 'Recording' && object.status.rollout?.phase !== 'Recording'
  return ends && next.rollbackTime !== undefined ? members.map(({ ref }) => ref) : []
}

function recordOf(rollout: RolloutStatus, status: ContainerVersionStatus, now: number): RolloutRecord {
  // Its events are new, however long ago it ended.
  const { endTime } = rollout
  return { rollout, status, events: eventsOf(status, endTime === undefined ? now : Date.parse(endTime)) }
}

const rightMissing = (refusal: string): PlannedEvent => ({
  type: 'Warning',
  reason: 'RightMissing',
  message: `${refusal}. Until then cvmanager does not see why pods fail, and waits for the deadline instead.`,
  id: refusal,
  workloads: [],
})

/** How soon it is noticed that what a strategy reads has been corrected. */
const readAgainMs = 15_000

function decide(observation: Observation): Decision {
  const { object, offer } = observation
  const { spec, status } = object
  const rollout = status.rollout && withSeenPod(status.rollout, observation.check)
  if (object.deleting) return rollout ? abort(observation, rollout) : {}

  const version = lastVersion(offer)
  if (rollout) return proceed(observation, rollout, version)

  const settings = settingsOf(spec)
  const strategy = strategyOf(settings)
  if (offer.state === 'failed') return held(offer.error)
  const problem = observation.problem ?? strategy.problem?.(settings.strategy, observedOf(observation))
  if (problem) {
    const arriving = problem.reason === 'WorkloadNotFound' ? unlessNew(observation, arrivalMs) : undefined
    // Nothing watches all that a strategy reads, such as autoscalers.
    const requeueAt = strategy.reads ? observation.now + readAgainMs : undefined
    return arriving ?? { ...held(problem, version), requeueAt }
  }
  if (!version) return waiting(observation)
  return consider(observation, strategy, version)
}

/** No rollout is in progress, and the registry offers a version. */
function consider(observation: Observation, strategy: Strategy, version: Version): Decision {
  const { object, workloads, serving = workloads } = observation
  const image = composeImage(object.spec.imageRepo, version)
  const run = allRun(observation, version)
  const healthy = serving.every(({ health }) => health.state === 'healthy')
  const failure = quarantineOf(object, version.digest)
  if (run && (!failure || healthy)) return upToDate(observation, version, image, healthy)

  const verdicts = checkGates(gates, observation, version)
  const [first] = verdicts
  if (!first) return begin(observation, strategy, version)
  const { by, message, phase = 'Pending' } = first
  const times = verdicts.flatMap(({ until }) => until ?? [])
  return {
    state: failure ? failureState(failure, message) : { phase, reason: by, message },
    offered: version,
    heldBy: by,
    held: verdicts.map(heldOf),
    requeueAt: times.length > 0 ? Math.min(...times) : undefined,
  }
}

function upToDate(observation: Observation, version: Version, image: string, healthy: boolean): Decision {
  const { digest, name } = version
  return {
    state: { phase: 'UpToDate', reason: 'UpToDate', message: runsInWords(observation, name) },
    offered: version,
    ...(healthy ? { healthy: { digest, version: name, image } } : {}),
  }
}

/** Something is wrong; the workloads stay as they are. */
function held(error: NeedsChangeError | TransientError, version?: Version): Decision {
  const { reason, message } = error
  const phase = error instanceof NeedsChangeError ? 'Stalled' : 'Unavailable'
  return { state: { phase, reason, message }, ...(version ? { offered: version, heldBy: reason } : {}) }
}

/** Objects that are applied together arrive one after another: the watches do not wait for each other. */
const arrivalMs = 3_000

/** A registry answers or fails sooner than this, even the polls of 10,000 new objects. */
const firstPollMs = 30_000

/** Gives a new object some time before it gets a status, so that its first status is the one that lasts. */
function unlessNew({ newSince, now }: Observation, graceMs: number): Decision | undefined {
  return newSince !== undefined && now < newSince + graceMs ? { requeueAt: newSince + graceMs } : undefined
}

/** The tag has not been polled yet. */
function waiting(observation: Observation): Decision {
  const { object, newSince } = observation
  if (newSince === undefined) return {}
  const { imageRepo, tag } = object.spec
  const message = `asking the registry for ${tag === undefined ? `the tags of ${imageRepo}` : `${imageRepo}:${tag}`}`
  return unlessNew(observation, firstPollMs) ?? { state: { phase: 'Pending', reason: 'Pending', message } }
}
