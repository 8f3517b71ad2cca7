import { hash } from 'node:crypto'
import type { RolloutSettings, RolloutStatus } from '../../api/rollout-status.ts'
import type { Version } from '../../discovery/target.ts'
import type { NeedsChangeError } from '../../errors.ts'
import { composeImage } from '../../images/reference.ts'
import { timestamp } from '../../time/clock.ts'
import { checkGates, gates, type Verdict } from '../gates/gates.ts'
import type { Observation } from '../observe/observation.ts'
import type { Part, Strategy } from '../strategies/strategy.ts'
import { checksOf, havePassed, neverWentOut } from './checks.ts'
import { allRun, currentOf, runsInWords } from './current.ts'
import type { Decision, State } from './decision.ts'
import { inProgress, stepInWords, untilPodsChange } from './in-progress.ts'
import { resumed, waitingFor } from './limit.ts'
import { conclude, recordOf } from './outcome.ts'
import { countingRestarts, membersOf, servicesOf } from './previous.ts'
import { refusedPatches, unhealthyPods, withProgress } from './progress.ts'
import { rewritingProblem, rewrittenIn, withRewritten } from './rewritten.ts'
import { failed, giveUp, rollBack } from './rollback.ts'
import { heldOf } from './status.ts'
import { frozenSettings, observedOf, rolloutOf, settingsOf, strategyOf } from './strategy-of.ts'
import { withSwitch } from './switches.ts'
import { runChecks } from './verify.ts'

const maxReplaced = 10

/** A pod that a person has replaced is judged this soon. */
const waitingForPersonMs = 30_000

/**
 * Starts a rollout: writes what the workloads and Services are like now into the status (B17), and takes the first step.
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
  // Two rollouts of one version may begin in one second.
  const before = replaced ?? object.status.rollouts?.[0]
  const settings = settingsOf(object.spec)
  const services = servicesOf(observation, replaced)
  const checks = checksOf(settings)
  const rollout: RolloutStatus = {
    id: hash('sha256', `${object.uid} ${digest} ${startTime} ${before?.id}`).slice(0, 10),
    phase: 'RollingOut',
    digest,
    version: name,
    image: composeImage(object.spec.imageRepo, version),
    ...fromVersion(observation, replaced, startTime),
    startTime,
    deadline: timestamp(now + settings.timeoutSeconds * 1000),
    strategy: settings.strategy.kind,
    settings,
    workloads: countingRestarts(membersOf(observation, replaced, version), observation.workloads),
    ...(replaced ? { replaced: imagesReplaced(replaced) } : {}),
    ...(services.length > 0 ? { services } : {}),
    ...(checks.length > 0 ? { checks } : {}),
  }
  const ended = replaced && supersededBy(version, replaced, now)
  return { ...takeStep(observation, rollout, settings, strategy), offered: version, ended }
}

const supersededBy = ({ name }: Version, rollout: RolloutStatus, now: number): RolloutStatus => ({
  ...rollout,
  outcome: 'Superseded',
  endTime: timestamp(now),
  message: `replaced by ${name}`,
})

/** The last one first. More of them than the API server takes are not in use any more. */
const imagesReplaced = ({ image, replaced = [] }: RolloutStatus): readonly string[] =>
  [...new Set([image, ...replaced])].slice(0, maxReplaced)

function fromVersion(observation: Observation, replaced: RolloutStatus | undefined, now: string): { from?: string } {
  const left = replaced?.switchTime === undefined ? replaced?.from : replaced.version
  const from = replaced ? left : currentOf(observation, undefined, now)?.version
  return from === undefined ? {} : { from }
}

/**
 * A rollout is in progress.
 * @param version the version on offer now
 */
export function proceed(observation: Observation, rollout: RolloutStatus, version: Version | undefined): Decision {
  const newer = version !== undefined && version.digest !== rollout.digest ? version : undefined
  if (rollout.phase === 'Recording') return recordOf(observation, rollout)
  if (rollout.phase === 'RollingBack') return rollBack(observation, rollout, newer !== undefined)
  const rewritten = rewrittenIn(observation, rollout)
  if (rewritten.length > 0) return giveUp(observation, withRewritten(rollout, rewritten), rewritingProblem(rewritten))
  const settings = frozenSettings(rollout, observation)
  const strategy = strategyOf(settings)
  const { now } = observation
  const seen = observedOf(observation)
  const problem = observation.problem ?? strategy.problem?.(settings.strategy, seen, rolloutOf(rollout, settings, now))
  if (problem) return waitForChange(observation, resumed(rollout, now), problem)
  const held = newer ? replacementHeld(observation, settings, rollout, newer) : []
  if (newer && held.length === 0) {
    if (hasChangedNothing(rollout) && allRun(observation, newer)) return withdraw(observation, rollout, newer)
    const { spec } = observation.object
    const next = strategyOf(settingsOf(spec))
    const isPossible = !next.problem?.(settingsOf(spec).strategy, seen)
    if (isPossible) return begin(observation, next, newer, rollout)
  }
  const { digest, version: name } = rollout
  const workloads = membersOf(observation, rollout, { digest, name })
  return { ...takeStep(observation, { ...rollout, workloads }, settings, strategy), held: held.map(heldOf) }
}

const hasChangedNothing = (rollout: RolloutStatus): boolean => neverWentOut(rollout) && rollout.replaced === undefined

/** The tag points again at what the workloads run: no check of that may put it into quarantine. */
function withdraw(observation: Observation, rollout: RolloutStatus, offered: Version): Decision {
  const { now } = observation
  const message = runsInWords(observation, offered.name)
  const ended = supersededBy(offered, rollout, now)
  return { state: { phase: 'UpToDate', reason: 'UpToDate', message }, offered, ended, requeueAt: now }
}

/** What keeps a newer version from replacing a rollout in progress. */
function replacementHeld(
  observation: Observation,
  { strategy }: RolloutSettings,
  { version }: RolloutStatus,
  newer: Version,
): readonly Verdict[] {
  if (strategy.onNewVersion !== 'Wait') return checkGates(gates, observation, newer)
  const message = `${newer.name} waits until the rollout of ${version} has ended (spec.strategy.onNewVersion is Wait)`
  return [{ by: 'Rollout', message }]
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

function takeStep(
  observation: Observation,
  started: RolloutStatus,
  settings: RolloutSettings,
  strategy: Strategy,
): Decision {
  const { workloads, now } = observation
  /** The rollout while its clock stands still. */
  const stopped = { waitingSince: timestamp(now), ...started }
  if (!havePassed(started, 'container')) return runChecks(observation, stopped, settings, 'container')
  const running = resumed(started, now)
  const step = strategy.next(rolloutOf(running, settings, now), observedOf(observation))
  const noted = (known: RolloutStatus): RolloutStatus =>
    atPart(step.step === 'giveUp' ? known : withSwitch(observation, known), settings, step.part, now)
  const rollout = noted(running)
  const deadline = Date.parse(rollout.deadline)
  switch (step.step) {
    case 'apply': {
      const waiting = refusedPatches(observation, workloads)
      return inProgress(withProgress(rollout, waiting, now), { changes: step.changes, requeueAt: deadline })
    }
    case 'wait': {
      const waiting = unhealthyPods(step.workloads ?? workloads) ?? { message: step.waitingFor }
      return inProgress(withProgress(rollout, waiting, now), untilPodsChange(workloads, step.until, now))
    }
    case 'pause': {
      const message = `rolling out ${rollout.version}${stepInWords(rollout.step)}: ${step.waitingFor}`
      const state: State = { phase: 'RollingOut', reason: 'RollingOut', message }
      const { progress: _, ...paused } = noted(stopped)
      return inProgress(waitingFor(paused, step.waitingFor), { state, ...untilPodsChange(workloads, step.until, now) })
    }
    case 'verify':
      return runChecks(observation, waitingFor(noted(stopped), undefined), settings, 'strategy')
    case 'waitForPerson': {
      const { reason } = step
      const message = `the rollout of ${rollout.version} waits without a deadline for ${step.waitingFor}`
      const state: State = { phase: 'RollingOut', reason, message }
      return inProgress(waitingFor(noted(stopped), step.waitingFor), { state, requeueAt: now + waitingForPersonMs })
    }
    case 'done':
      return conclude(observation, rollout, 'Succeeded')
    case 'fail':
      return failed(observation, rollout, step.reason, step.message)
    case 'giveUp': {
      const refused = step.reason === 'PatchRefused' ? refusedPatches(observation, workloads) : undefined
      return giveUp(observation, rollout, refused ? { ...step, message: `at the deadline, ${refused.message}` } : step)
    }
  }
}

/** A rollout that comes to its next part gets a new deadline. It does not go back to an earlier part. */
function atPart(rollout: RolloutStatus, settings: RolloutSettings, part: Part | undefined, now: number): RolloutStatus {
  const { step } = rollout
  if (part === undefined || part.index < (step?.index ?? 1)) return rollout
  const { index, of, name } = part
  if (step?.index === index)
    return step.of === of && step.name === name ? rollout : { ...rollout, step: { ...step, of, name } }
  // The clock of the first part runs since the rollout began.
  const deadline = step ? timestamp(now + settings.timeoutSeconds * 1000) : rollout.deadline
  return { ...rollout, deadline, step: { index, of, name, since: timestamp(now) } }
}
