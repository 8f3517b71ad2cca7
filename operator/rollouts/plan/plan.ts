import type { ContainerVersion } from '../../api/container-version.ts'
import type { Version } from '../../discovery/following.ts'
import { NeedsChangeError, type TransientError } from '../../errors.ts'
import { composeImage } from '../../images/reference.ts'
import { timestamp } from '../../time/clock.ts'
import type { Gate, Verdict } from '../gates/gate.ts'
import { passage } from '../gates/gates.ts'
import { failureState, quarantineOf } from '../gates/quarantine.ts'
import type { Observation, Plan } from '../observe/observation.ts'
import type { Strategies } from '../strategies/strategies.ts'
import type { Strategy } from '../strategies/strategy.ts'
import { kept, observed } from './carried-over.ts'
import { stated } from './conditions.ts'
import { story } from './events.ts'
import { abort, begin, type Candidate, proceed } from './rollout.ts'
import { unsupported } from './unsupported.ts'

export interface Rules {
  readonly strategies: Strategies
  readonly gates: readonly Gate[]
}

/**
 * What is to be done about one ContainerVersion now. Pure: no I/O, no clock, no memory; what must be remembered is in the
 * object's status.
 */
export function plan(rules: Rules, observation: Observation): Plan {
  const decision = decide(rules, observation)
  const told = [...decision.happenings, ...story(decision.status)]
  const owners = observation.workloads.filter(({ imageIsOurs, imageIsApplied }) => imageIsOurs && imageIsApplied)
  const tidies = decision.action.action === 'none' && owners.length > 0
  return { ...decision, happenings: told, ...(tidies ? { action: { action: 'disown', workloads: owners } } : {}) }
}

function decide(rules: Rules, observation: Observation): Plan {
  const { object, offer } = observation
  if (object.deleting) return object.status.rollout ? abort(observation, object.status.rollout) : nothing(object)

  const problem = unsupported(object.spec, rules.strategies)
  const strategy = rules.strategies[object.spec.strategy?.kind ?? 'Simple']
  const version = offer.state === 'unknown' ? undefined : offer.version
  const candidate = version && { version, image: composeImage(object.spec.imageRepo, version) }
  const { rollout } = object.status
  if (rollout) return proceed(observation, rollout, strategy, candidate, problem)

  if (problem) return held(observation, problem)
  if (offer.state === 'failed') return held(observation, offer.error)
  if (observation.problem) {
    return isNew(observation) ? arriving(observation) : held(observation, observation.problem, candidate)
  }
  if (!candidate || !strategy) return object.status.phase ? nothing(object) : waiting(observation)
  return consider(rules.gates, observation, strategy, candidate)
}

/** No rollout is under way, and the registry offers a version. */
function consider(gates: readonly Gate[], observation: Observation, strategy: Strategy, candidate: Candidate): Plan {
  const { object, workloads, now } = observation
  const { version, image } = candidate
  const runs = workloads.every((workload) => workload.runs(image))
  const healthy = workloads.every(({ health }) => health.state === 'healthy')
  const failed = quarantineOf(object, version.digest)
  if (runs && (!failed || healthy)) return upToDate(observation, candidate)

  const verdict = passage(gates, object, version, now)
  return verdict.verdict === 'held' ? gated(observation, version, verdict) : begin(observation, strategy, candidate)
}

function upToDate({ object, now }: Observation, { version, image }: Candidate): Plan {
  const before = object.status.current
  const unchanged = before?.digest === version.digest && before.image === image
  return {
    status: {
      ...kept(object),
      ...stated(object, now, { phase: 'UpToDate', reason: 'UpToDate', message: `all workloads run ${version.name}` }),
      observed: observed(object, version, now),
      current: unchanged ? before : { digest: version.digest, version: version.name, image, since: timestamp(now) },
    },
    happenings: before
      ? []
      : [
          {
            type: 'Normal',
            reason: 'Adopted',
            message: `the workloads already run ${version.name} (${version.digest}): nothing was changed`,
            id: version.digest,
            workloads: [],
          },
        ],
    action: { action: 'none' },
    again: undefined,
  }
}

function gated(
  { object, now }: Observation,
  version: Version,
  { by, message, until }: Extract<Verdict, { verdict: 'held' }>,
): Plan {
  const failure = quarantineOf(object, version.digest)
  return {
    status: {
      ...kept(object, version.digest),
      ...stated(object, now, failure ? failureState(failure, object.spec) : { phase: 'Pending', reason: by, message }),
      observed: observed(object, version, now),
      next: { digest: version.digest, version: version.name, heldBy: by },
    },
    happenings: [],
    action: { action: 'none' },
    again: until,
  }
}

/** Something is not as it must be; the workloads stay as they are. */
function held({ object, now }: Observation, error: NeedsChangeError | TransientError, candidate?: Candidate): Plan {
  const { reason, message } = error
  const phase = error instanceof NeedsChangeError ? 'Stalled' : 'Unavailable'
  const version = candidate?.version
  return {
    status: {
      ...kept(object, version?.digest ?? object.status.observed?.digest),
      ...stated(object, now, { phase, reason, message }),
      ...(version
        ? {
            observed: observed(object, version, now),
            next: { digest: version.digest, version: version.name, heldBy: reason },
          }
        : {}),
    },
    happenings: [],
    action: { action: 'none' },
    again: undefined,
  }
}

/** What is applied together arrives one after another, by watches that do not wait for each other. */
const arrivalMs = 3_000

function isNew({ object, problem, now }: Observation): boolean {
  return problem?.reason === 'WorkloadNotFound' && !object.status.current && now - object.createdAt < arrivalMs
}

function arriving({ object }: Observation): Plan {
  return { ...nothing(object), again: object.createdAt + arrivalMs }
}

/** A new object whose tag has not been asked for yet. */
function waiting({ object, now }: Observation): Plan {
  const { imageRepo, tag } = object.spec
  const message = `asking the registry for ${tag === undefined ? `the tags of ${imageRepo}` : `${imageRepo}:${tag}`}`
  return {
    ...nothing(object),
    status: { ...object.status, ...stated(object, now, { phase: 'Pending', reason: 'Pending', message }) },
  }
}

function nothing({ status }: ContainerVersion): Plan {
  return { status, happenings: [], action: { action: 'none' }, again: undefined }
}
