import { hash } from 'node:crypto'
import { defaultTimeoutSeconds } from '../../api/names.ts'
import type { RolloutStatus } from '../../api/status.ts'
import type { Version } from '../../discovery/target.ts'
import { NeedsChangeError } from '../../errors.ts'
import { digestOf, tagOf } from '../../images/image.ts'
import { composeImage } from '../../images/reference.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'
import type { Strategy } from '../strategies/strategy.ts'
import type { SelectedContainer } from '../workloads/workload.ts'
import type { Decision } from './decision.ts'
import { inProgress, untilPodsChange } from './in-progress.ts'
import { conclude, recordOf } from './outcome.ts'
import { failed, rollBack } from './rollback.ts'

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
    ...fromVersion(observation, replaced),
    startTime,
    deadline: timestamp(now + (object.spec.timeoutSeconds ?? defaultTimeoutSeconds) * 1000),
    workloads: members(observation, replaced, name),
  }
  const ended = replaced && {
    ...replaced,
    outcome: 'Superseded' as const,
    endTime: startTime,
    message: `replaced by ${name}`,
  }
  return { ...takeStep(observation, rollout, strategy), offered: version, ended }
}

function fromVersion({ object, workloads }: Observation, replaced: RolloutStatus | undefined): { from?: string } {
  if (replaced) return replaced.from === undefined ? {} : { from: replaced.from }
  const image = workloads[0]?.containers[0]?.image
  const from = object.status.current?.version ?? (image ? (tagOf(image) ?? digestOf(image)) : undefined)
  return from === undefined ? {} : { from }
}

/**
 * The workloads with their images before the rollout. Those of `known` keep the images that it found, even if the selector
 * does not find them any more: a rollback restores whatever the rollout has changed.
 */
function members(
  { object, workloads }: Observation,
  known: RolloutStatus | undefined,
  offered: string,
): RolloutStatus['workloads'] {
  // A tag that a policy chooses is not meant to move, but it can.
  const tag = object.spec.tag ?? offered
  const others = known?.workloads.filter(({ uid }) => !workloads.some(({ ref }) => ref.uid === uid)) ?? []
  const selected = workloads.map(({ ref: { kind, name, uid }, containers }) => {
    const previous = known?.workloads.find((member) => member.uid === uid)?.previous ?? []
    const added = containers.filter((container) => !previous.some((before) => before.name === container.name))
    return {
      kind,
      name,
      uid,
      previous: [
        ...previous,
        ...added.map((container) => ({ name: container.name, image: exactImage(container, tag) })),
      ],
    }
  })
  return [...selected, ...others]
}

/** If the template has the moving tag, that now names another image: a rollback must restore what the pods really ran. */
function exactImage({ image, running }: SelectedContainer, movingTag: string): string {
  const moved = digestOf(image) === undefined && tagOf(image) === movingTag
  return moved && running ? `${image}@${running}` : image
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
  const { problem } = observation
  if (strategy instanceof NeedsChangeError) return failed(observation, rollout, strategy.reason, strategy.message)
  if (problem) return failed(observation, rollout, problem.reason, problem.message)
  if (isOutdated) return begin(observation, strategy, version, rollout)
  return takeStep(observation, { ...rollout, workloads: members(observation, rollout, rollout.version) }, strategy)
}

function takeStep(observation: Observation, rollout: RolloutStatus, strategy: Strategy): Decision {
  const { workloads, now } = observation
  const step = strategy.next({ image: rollout.image, deadline: Date.parse(rollout.deadline) }, { workloads, now })
  switch (step.step) {
    case 'apply':
      return inProgress(rollout, { changes: step.changes })
    case 'wait':
      return inProgress(rollout, untilPodsChange(workloads, step.until, now))
    case 'done':
      return conclude(observation, rollout, 'Succeeded')
    case 'fail':
      return failed(observation, rollout, step.reason, step.message)
  }
}
