import { hash } from 'node:crypto'
import { defaultTimeoutSeconds } from '../../api/names.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { Version } from '../../discovery/target.ts'
import { NeedsChangeError } from '../../errors.ts'
import { composeImage } from '../../images/reference.ts'
import { timestamp } from '../../time/clock.ts'
import { paused } from '../gates/paused.ts'
import type { Observation } from '../observe/observation.ts'
import type { Strategy } from '../strategies/strategy.ts'
import { currentOf } from './current.ts'
import type { Decision, State } from './decision.ts'
import { inProgress, untilPodsChange } from './in-progress.ts'
import { conclude, recordOf } from './outcome.ts'
import { membersOf } from './previous.ts'
import { refusedPatches, unhealthyPods, withProgress } from './progress.ts'
import { rewritingProblem, rewrittenIn, withRewritten } from './rewritten.ts'
import { failed, giveUp, rollBack } from './rollback.ts'

/** A pod that a person has replaced is judged this soon. */
const waitingForPersonMs = 30_000

/**
 * Starts a rollout: writes the images that the workloads have now into the status (B17), and takes the first step.
 * @param replaced the rollout in progress, of another version
 */
export function begin(
  observation: Observation,
  strategy: Strategy,
  version: Version,
  replaced?: RolloutStatus,
): Decision {
  const { object, now } = observation
  const { digest, name } = version
  const startTime = timestamp(now)
  const rollout: RolloutStatus = {
    id: hash('sha256', `${object.uid} ${digest} ${startTime}`).slice(0, 10),
    phase: 'RollingOut',
    digest,
    version: name,
    image: composeImage(object.spec.imageRepo, version),
    ...fromVersion(observation, replaced, startTime),
    startTime,
    deadline: timestamp(now + (object.spec.timeoutSeconds ?? defaultTimeoutSeconds) * 1000),
    workloads: membersOf(observation, replaced, version),
  }
  const ended = replaced && {
    ...replaced,
    outcome: 'Superseded' as const,
    endTime: startTime,
    message: `replaced by ${name}`,
  }
  return { ...takeStep(observation, rollout, strategy), offered: version, ended }
}

function fromVersion(observation: Observation, replaced: RolloutStatus | undefined, now: string): { from?: string } {
  const from = replaced ? replaced.from : currentOf(observation, undefined, now)?.version
  return from === undefined ? {} : { from }
}

/**
 * A rollout is in progress.
 * @param strategy or why there is none for the spec as it is now
 * @param version the version on offer now
 */
export function proceed(
  observation: Observation,
  rollout: RolloutStatus,
  strategy: Strategy | NeedsChangeError,
  version: Version | undefined,
): Decision {
  const isOutdated = version !== undefined && version.digest !== rollout.digest
  if (rollout.phase === 'Recording') return recordOf(observation, rollout)
  if (rollout.phase === 'RollingBack') return rollBack(observation, rollout, isOutdated)
  const rewritten = rewrittenIn(observation, rollout)
  if (rewritten.length > 0) return giveUp(observation, withRewritten(rollout, rewritten), rewritingProblem(rewritten))
  const { problem, now } = observation
  if (strategy instanceof NeedsChangeError) return waitForChange(observation, resumed(rollout, now), strategy)
  if (problem) return waitForChange(observation, resumed(rollout, now), problem)
  if (isOutdated && !paused.check(observation, version)) return begin(observation, strategy, version, rollout)
  const { digest, version: name } = rollout
  return takeStep(observation, { ...rollout, workloads: membersOf(observation, rollout, { digest, name }) }, strategy)
}

/** The workloads cannot be rolled out to at the moment. What is gone may come back, so this waits until the deadline. */
function waitForChange(observation: Observation, rollout: RolloutStatus, problem: NeedsChangeError): Decision {
  const { reason, message } = problem
  const { version, deadline } = rollout
  if (observation.now >= Date.parse(deadline)) return giveUp(observation, rollout, problem)
  const words = `the rollout of ${version} goes on if this is corrected by ${deadline}: ${message}`
  const state: State = { phase: 'RollingOut', reason, message: words }
  return inProgress(rollout, { state, requeueAt: Date.parse(deadline) })
}

/** The clock has stood still while the rollout waited for a person. */
function resumed({ waitingSince, ...rollout }: RolloutStatus, now: number): RolloutStatus {
  if (waitingSince === undefined) return rollout
  return { ...rollout, deadline: timestamp(Date.parse(rollout.deadline) + now - Date.parse(waitingSince)) }
}

function takeStep(observation: Observation, started: RolloutStatus, strategy: Strategy): Decision {
  const { workloads, now } = observation
  const rollout = resumed(started, now)
  const deadline = Date.parse(rollout.deadline)
  const step = strategy.next({ image: rollout.image, deadline }, { workloads, now })
  switch (step.step) {
    case 'apply': {
      const waiting = refusedPatches(observation, workloads)
      return inProgress(withProgress(rollout, waiting, now), { changes: step.changes, requeueAt: deadline })
    }
    case 'wait': {
      const waiting = unhealthyPods(workloads)
      return inProgress(withProgress(rollout, waiting, now), untilPodsChange(workloads, step.until, now))
    }
    case 'waitForPerson': {
      const { reason, waitingFor } = step
      const message = `the rollout of ${rollout.version} waits without a deadline for ${waitingFor}`
      const state: State = { phase: 'RollingOut', reason, message }
      return inProgress({ waitingSince: timestamp(now), ...started }, { state, requeueAt: now + waitingForPersonMs })
    }
    case 'done':
      return conclude(observation, rollout, 'Succeeded')
    case 'fail':
      return failed(observation, rollout, step.reason, step.message)
    case 'giveUp': {
      const refused = refusedPatches(observation, workloads)
      return giveUp(observation, rollout, refused ? { ...step, message: `at the deadline, ${refused.message}` } : step)
    }
  }
}
