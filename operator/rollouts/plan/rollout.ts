import { createHash } from 'node:crypto'
import { defaultTimeoutSeconds } from '../../api/names.ts'
import type { Outcome, RolloutStatus } from '../../api/status.ts'
import type { Version } from '../../discovery/following.ts'
import type { NeedsChangeError } from '../../errors.ts'
import { digestOf, tagOf } from '../../images/image.ts'
import { timestamp } from '../../time/clock.ts'
import type { Action, Observation, Plan } from '../observe/observation.ts'
import type { Strategy } from '../strategies/strategy.ts'
import type { ImageChange, SelectedContainer, Workload } from '../workloads/workload.ts'
import { kept, observed } from './carried-over.ts'
import { stated } from './conditions.ts'
import { happening } from './events.ts'
import { ended, past } from './outcome.ts'

/** A version that may be rolled out, and the image that the workloads would get. */
export interface Candidate {
  readonly version: Version
  readonly image: string
}

/** A pod's own message may be very long; the status, events and history each tell it. */
const longestMessage = 1_000

/** Pods are not watched: while a rollout waits, they are looked at in this rhythm. */
const podsEveryMs = 2_000

/** A rollback that comes with the deadline still gets this long to become healthy before the rollout is closed. */
const rollbackGraceMs = 8_000

/**
 * Writes down what is to happen, with the images that the workloads have now (B17), and takes the first step.
 * @param before the rollout under way, which this one replaces
 */
export function begin(
  observation: Observation,
  strategy: Strategy,
  candidate: Candidate,
  before?: RolloutStatus,
): Plan {
  const { object, now } = observation
  const { version, image } = candidate
  const startTime = timestamp(now)
  const rollout: RolloutStatus = {
    id: createHash('sha256').update(`${object.uid} ${version.digest} ${startTime}`).digest('hex').slice(0, 10),
    phase: 'RollingOut',
    digest: version.digest,
    version: version.name,
    image,
    ...fromVersion(observation, before),
    startTime,
    deadline: timestamp(now + (object.spec.timeoutSeconds ?? defaultTimeoutSeconds) * 1000),
    workloads: members(observation, before, version.name),
  }
  const replaced = before && {
    ...before,
    outcome: 'Superseded' as const,
    endTime: startTime,
    message: `replaced by ${version.name}`,
  }
  const { status, ...rest } = takeStep(observation, rollout, strategy)
  return {
    ...rest,
    status: {
      ...status,
      observed: observed(object, version, now),
      ...(replaced ? { rollouts: past(object.status.rollouts, replaced) } : {}),
    },
    happenings: replaced
      ? [
          happening(
            replaced,
            'Normal',
            'RolloutSuperseded',
            `the rollout of ${replaced.version} was replaced by that of ${version.name}, which is on offer now`,
          ),
        ]
      : [],
  }
}

function fromVersion({ object, workloads }: Observation, superseded: RolloutStatus | undefined): { from?: string } {
  if (superseded) return superseded.from === undefined ? {} : { from: superseded.from }
  const image = workloads[0]?.containers[0]?.image
  const from = object.status.current?.version ?? (image ? (tagOf(image) ?? digestOf(image)) : undefined)
  return from === undefined ? {} : { from }
}

/**
 * The workloads as they were before; those that the rollout knew already keep what it had found, also when the selector
 * does not find them any more: a rollback puts back whatever the rollout has changed.
 */
function members(
  { object, workloads }: Observation,
  before: RolloutStatus | undefined,
  offered: string,
): RolloutStatus['workloads'] {
  // What a policy chooses is not meant to move, and may have.
  const tag = object.spec.tag ?? offered
  const gone = before?.workloads.filter(({ uid }) => !workloads.some((workload) => workload.uid === uid)) ?? []
  const selected = workloads.map(({ kind, name, uid, containers }) => {
    const known = before?.workloads.find((member) => member.uid === uid)?.previous ?? []
    const added = containers.filter((container) => !known.some((previous) => previous.name === container.name))
    return {
      kind,
      name: name.slice(kind.length + 1),
      uid,
      previous: [...known, ...added.map((container) => ({ name: container.name, image: exactImage(container, tag) }))],
    }
  })
  return [...selected, ...gone]
}

/** The moving tag names another image by now: what the pods really ran is what a rollback must restore. */
function exactImage({ image, running }: SelectedContainer, movingTag: string): string {
  const moved = digestOf(image) === undefined && tagOf(image) === movingTag
  return moved && running ? `${image}@${running}` : image
}

/** A rollout is under way. */
export function proceed(
  observation: Observation,
  rollout: RolloutStatus,
  strategy: Strategy | undefined,
  candidate: Candidate | undefined,
  unsupported: NeedsChangeError | undefined,
): Plan {
  if (rollout.phase === 'Recording') return ended(observation, rollout)
  if (rollout.phase === 'RollingBack') {
    return rollBack(observation, rollout, candidate !== undefined && candidate.version.digest !== rollout.digest)
  }
  const { problem } = observation
  if (unsupported || !strategy)
    return failed(
      observation,
      rollout,
      unsupported?.reason ?? 'StrategyNotSupported',
      unsupported?.message ?? 'no such strategy',
    )
  if (problem) return failed(observation, rollout, problem.reason, problem.message)
  if (candidate && candidate.version.digest !== rollout.digest) return begin(observation, strategy, candidate, rollout)
  return takeStep(observation, { ...rollout, workloads: members(observation, rollout, rollout.version) }, strategy)
}

function takeStep(observation: Observation, rollout: RolloutStatus, strategy: Strategy): Plan {
  const { workloads, now } = observation
  const step = strategy.next({ image: rollout.image, deadline: Date.parse(rollout.deadline) }, { workloads, now })
  switch (step.step) {
    case 'apply':
      return under(observation, rollout, { action: 'change', changes: step.changes })
    case 'wait':
      return under(observation, rollout, unblock(workloads), Math.min(step.until, now + podsEveryMs))
    case 'done':
      return conclude(observation, rollout, 'Succeeded')
    case 'fail':
      return failed(observation, rollout, step.reason, step.message)
  }
}

/** What is waited for may wait itself, for a pod that will never be ready. */
function unblock(workloads: readonly Workload[]): Action {
  const pods = workloads.flatMap(({ blockers }) => blockers)
  return pods.length > 0 ? { action: 'replace', pods } : { action: 'none' }
}

/** The version has failed: the previous images come back, or what runs stays, as `rollback.enabled` says. */
function failed(observation: Observation, rollout: RolloutStatus, reason: string, message: string): Plan {
  const why = { ...rollout, reason, message: message.slice(0, longestMessage) }
  const rollsBack = observation.object.spec.rollback?.enabled ?? true
  return rollsBack
    ? rollBack(observation, { ...why, phase: 'RollingBack', rollbackTime: timestamp(observation.now) })
    : conclude(observation, why, 'Failed')
}

/** Puts back what this rollout has changed, and nothing that somebody else has changed since. */
function restorations({ members: workloads }: Observation, rollout: RolloutStatus): ImageChange[] {
  return workloads.flatMap((workload) => {
    const previous = rollout.workloads.find(({ uid }) => uid === workload.uid)?.previous ?? []
    const images = previous.filter(
      ({ name, image }) => image !== rollout.image && runsNow(workload, name) === rollout.image,
    )
    return images.length > 0 ? [workload.restore(images)] : []
  })
}

const runsNow = ({ containers }: Workload, name: string) =>
  containers.find((container) => container.name === name)?.image

function rollBack(observation: Observation, rollout: RolloutStatus, outdated = false): Plan {
  const { members: workloads, now } = observation
  const changes = restorations(observation, rollout)
  const until =
    Math.max(Date.parse(rollout.deadline), Date.parse(rollout.rollbackTime ?? rollout.deadline)) + rollbackGraceMs
  if (changes.length > 0 && now >= until) {
    const names = changes.map(({ kind, name }) => `${kind}/${name}`).join(', ')
    return conclude(
      observation,
      { ...rollout, message: `${rollout.message}; ${names} could not be put back` },
      'Failed',
    )
  }
  // Looked at again at once: a workload that is not selected any more brings nobody here when it has changed.
  if (changes.length > 0) return under(observation, rollout, { action: 'change', changes }, now)
  const unhealthy = workloads.filter(({ health }) => health.state !== 'healthy')
  const hopeless = unhealthy.every(({ health, blockers }) => health.state === 'stuck' && blockers.length === 0)
  // A newer version need not wait for the health of one that it replaces.
  if (hopeless || outdated || now >= until)
    return conclude(observation, withoutHealth(rollout, unhealthy), 'RolledBack')
  return under(observation, rollout, unblock(workloads), Math.min(until, now + podsEveryMs))
}

/** The images are back, and that is all that can be said. */
function withoutHealth(rollout: RolloutStatus, unhealthy: readonly Workload[]): RolloutStatus {
  const [first] = unhealthy
  if (!first || first.health.state === 'healthy') return rollout
  return {
    ...rollout,
    message: `${rollout.message}; with its previous image, ${first.name} is not healthy yet: ${first.health.reason}`,
  }
}

const deleted = 'the ContainerVersion was deleted'

/** The object is being deleted: the rollout ends with all workloads as they were before it. */
export function abort(observation: Observation, rollout: RolloutStatus): Plan {
  if (rollout.phase === 'Recording') return ended(observation, rollout)
  const aborted: RolloutStatus = { ...rollout, phase: 'RollingBack', message: rollout.message ?? deleted }
  const changes = restorations(observation, rollout)
  // Nothing selects for an object that is being deleted: it has to look for itself whether all is back.
  if (changes.length > 0) return under(observation, aborted, { action: 'change', changes }, observation.now)
  return conclude(observation, aborted, 'Aborted')
}

/** How it ended is written down before it is recorded, so that a restart cannot come to another judgement (B28). */
function conclude(observation: Observation, rollout: RolloutStatus, outcome: Outcome): Plan {
  const closed: RolloutStatus = { ...rollout, phase: 'Recording', outcome, endTime: timestamp(observation.now) }
  return under(observation, closed, { action: 'none' }, observation.now)
}

/** A rollout that ends without a reason has not failed. */
const why = ({ reason, version, message }: RolloutStatus): string | undefined =>
  reason === undefined ? message : `${version} failed: ${message}`

/** The plan of a rollout under way. The status changes with the phase alone, so that a rollout costs few writes. */
function under({ object, now }: Observation, rollout: RolloutStatus, action: Action, again?: number): Plan {
  const names = rollout.workloads.map(({ kind, name }) => `${kind}/${name}`).join(', ')
  const goesBack = rollout.phase === 'RollingBack' || rollout.outcome === 'RolledBack' || rollout.outcome === 'Aborted'
  const state = goesBack
    ? ({
        phase: 'RollingBack',
        reason: 'RollingBack',
        message: `putting the previous images of ${names} back: ${why(rollout)}`,
      } as const)
    : ({
        phase: 'RollingOut',
        reason: 'RollingOut',
        message: `rolling out ${rollout.version} to ${names}, until ${rollout.deadline} at the latest`,
      } as const)
  return {
    status: {
      ...kept(object),
      ...stated(object, now, state),
      next: { digest: rollout.digest, version: rollout.version, heldBy: 'Rollout' },
      rollout,
    },
    happenings: [],
    action,
    again,
  }
}
