import type { Outcome } from '../../api/names.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import { shortDigest } from '../../images/digest.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'
import { restoreImages } from '../strategies/restore.ts'
import { apply, type BackStep, done, wait } from '../strategies/strategy.ts'
import type { Change, Workload } from '../workloads/workload.ts'
import { neverWentOut } from './checks.ts'
import type { Decision } from './decision.ts'
import { inProgress, untilPodsChange } from './in-progress.ts'
import { resumed, rollbackGraceMs, rollbackLimitOf } from './limit.ts'
import { conclude, recordOf } from './outcome.ts'
import { countingRestarts } from './previous.ts'
import { refusedPatches, unhealthyPods, withProgress } from './progress.ts'
import { wasRewritten } from './rewritten.ts'
import { frozenSettings, observedOf, rolloutOf, strategyOf } from './strategy-of.ts'
import { withSwitchBack } from './switches.ts'

/** A pod's own message may be very long, and the status, an event and the history each repeat it. */
const maxMessageLength = 1_000

/** The version has failed. The previous images come back, or the new ones stay, as `rollback.enabled` says. */
export function failed(observation: Observation, rollout: RolloutStatus, reason: string, message: string): Decision {
  const { progress: _, ...running } = rollout
  const failure = { ...running, reason, message: inSentence(message) }
  if (neverWentOut(rollout) && isUntouched(rollout)) return conclude(observation, failure, 'RolledBack')
  const rollsBack = observation.object.spec.rollback?.enabled ?? observation.rollbackByDefault ?? true
  return rollsBack ? rollBack(observation, turnedBack(observation, failure)) : conclude(observation, failure, 'Failed')
}

/** The rollout has changed nothing, and neither has one that it has replaced. */
const isUntouched = ({ replaced = [] }: RolloutStatus): boolean => replaced.length === 0

const inSentence = (message: string): string => shortDigest(message).replace(/\.$/, '').slice(0, maxMessageLength)

/** What keeps a version from being tried. */
interface Obstacle {
  readonly reason: string
  readonly message: string
}

/**
 * The version could not be tried, which says nothing about it. The previous images come back whatever `rollback.enabled`
 * says, so that the version can be tried again later.
 */
export function giveUp(observation: Observation, rollout: RolloutStatus, obstacle: Obstacle): Decision {
  const message = inSentence(obstacle.message)
  const { progress: _, ...running } = rollout
  const untried = { ...running, outcome: 'Aborted' as const, reason: obstacle.reason, message }
  if (neverWentOut(rollout) && isUntouched(rollout)) return conclude(observation, untried, 'Aborted')
  return rollBack(observation, turnedBack(observation, untried))
}

/** The rollout at the beginning of its rollback. */
function turnedBack(observation: Observation, rollout: RolloutStatus): RolloutStatus {
  const workloads = countingRestarts(rollout.workloads, observation.members)
  return { ...resumed(rollout, observation.now), workloads, ...rollingBackSince(observation) }
}

const rollingBackSince = ({ now }: Observation) => ({
  phase: 'RollingBack' as const,
  rollbackTime: timestamp(now),
})

/**
 * Puts the previous images back, and waits until the workloads are healthy with them.
 * @param isOutdated another version is on offer: it need not wait for the health of the one that it replaces
 */
export function rollBack(observation: Observation, known: RolloutStatus, isOutdated = false): Decision {
  const rollout = switchedBack(observation, known)
  const decision = putBack(observation, rollout, rollout.outcome ?? 'Failed')
  if (decision) return decision

  const { members, now, restoringSince } = observation
  const until = rollbackLimitOf(rollout, restoringSince)
  const unhealthy = members.filter(({ health }) => health.state !== 'healthy')
  const hopeless = unhealthy.every(({ health, blockers }) => health.state === 'stuck' && blockers.length === 0)
  if (hopeless || isOutdated || now >= until)
    return conclude(observation, withTrouble(rollout, unhealthy), rollout.outcome ?? 'RolledBack')
  return inProgress(withProgress(rollout, unhealthyPods(members), now), untilPodsChange(members, until, now))
}

/** The object is being deleted: the rollout ends when all workloads are as they were before it, or at the limit. */
export function abort(observation: Observation, rollout: RolloutStatus): Decision {
  if (rollout.phase === 'Recording') return recordOf(observation, rollout)
  // Without a reason: this is neither a failure nor an obstacle.
  const { reason, message = 'the ContainerVersion was deleted', progress, ...running } = rollout
  const aborting = { ...rollingBackSince(observation), ...running, phase: 'RollingBack' as const, message }
  const aborted = switchedBack(observation, aborting)
  return putBack(observation, aborted, 'Aborted') ?? conclude(observation, aborted, 'Aborted')
}

/**
 * The next step while a workload has not got its previous images back; undefined if all have.
 * @param outcome if that cannot be done by the limit
 */
function putBack(observation: Observation, rollout: RolloutStatus, outcome: Outcome): Decision | undefined {
  const { members, now, restoringSince } = observation
  const until = rollbackLimitOf(rollout, restoringSince)
  const step = wayBack(observation, rollout)
  if (step.step === 'done') return undefined
  if (step.step === 'wait') {
    const { waitingFor } = step
    return now < until
      ? inProgress(withProgress(rollout, { message: waitingFor }, now), untilPodsChange(members, until, now))
      : conclude(observation, { ...rollout, message: `${rollout.message}; still waiting for ${waitingFor}` }, outcome)
  }
  const left = step.changes
  const changes = left.filter((change) => change.change !== 'images' || !wasRewritten(observation, change))
  const refused = refusedPatches(observation, members)
  // At the limit, only what the API server refuses is given up: a process that has just started has tried nothing yet. What is
  // undone each time has had enough tries some time later.
  const isUndone = restoringSince !== undefined && now >= until + rollbackGraceMs
  const isGivenUp = isUndone || (now >= until && refused !== undefined)
  // Reconciled again at once: the change of a workload that the selector does not find any more requeues nothing.
  if (changes.length > 0 && !isGivenUp)
    return inProgress(withProgress(rollout, refused, now), { changes, requeueAt: now })
  const names = [...new Set(left.flatMap(nameOf))].join(', ')
  const undone = isUndone ? ', since something undoes it each time' : ''
  const why = refused ? `, since ${refused.message}` : undone
  const message = `${rollout.message}; ${names} could not be put back${why}`
  return conclude(observation, { ...rollout, message }, outcome)
}

/** Back from whatever the strategy has changed. */
function wayBack(observation: Observation, rollout: RolloutStatus): BackStep {
  const { services, problem } = observation
  // Without its Services, nobody knows which workloads serve users now: those must stay.
  if (rollout.services !== undefined && services === undefined)
    return wait(problem?.message ?? 'the Services of the rollout', Number.POSITIVE_INFINITY)
  const { settings, strategy, seen } = membersOf(observation, rollout)
  const before = rolloutOf(rollout, settings, observation.now)
  if (strategy.back) return strategy.back(before, seen)
  const changes = restoreImages(before, seen.workloads)
  return changes.length > 0 ? apply(changes) : done()
}

function switchedBack(observation: Observation, rollout: RolloutStatus): RolloutStatus {
  const { settings, strategy, seen } = membersOf(observation, rollout)
  return withSwitchBack({ serving: strategy.serving?.(settings.strategy, seen), now: observation.now }, rollout)
}

/** A rollback is about the workloads of the rollout, and not about those that the selector finds now. */
function membersOf(observation: Observation, rollout: RolloutStatus) {
  const settings = frozenSettings(rollout, observation)
  const seen = observedOf({ ...observation, workloads: observation.members })
  return { settings, strategy: strategyOf(settings), seen }
}

function nameOf(change: Change): readonly string[] {
  if (change.change === 'selector') return [`Service/${change.of.name}`]
  return 'of' in change && 'kind' in change.of ? [`${change.of.kind}/${change.of.name}`] : []
}

/** The message says what is not well after the rollback. */
function withTrouble(rollout: RolloutStatus, [first]: readonly Workload[]): RolloutStatus {
  const { message, workloads } = rollout
  const names = workloads.filter(({ unproven }) => unproven).map(({ kind, name }) => `${kind}/${name}`)
  const troubles = [
    ...(names.length > 0
      ? [
          `the previous images of ${names.join(', ')} were not healthy before the rollout either, and no better ones are known`,
        ]
      : []),
    ...(first && first.health.state !== 'healthy'
      ? [`with its previous image, ${first.name} is not healthy yet: ${first.health.reason}`]
      : []),
  ]
  return { ...rollout, message: shortDigest([message, ...troubles].join('; ')) }
}
