import type { ContainerVersion } from '../../api/container-version.ts'
import type { PastRollout, RolloutStatus } from '../../api/rollout-status.ts'
import type { Condition, ContainerVersionStatus, CurrentVersion, Held, Phase } from '../../api/status.ts'
import { lastVersion, type Version } from '../../discovery/target.ts'
import { shortDigest } from '../../images/digest.ts'
import { timestamp } from '../../time/clock.ts'
import type { Verdict } from '../gates/gates.ts'
import type { Observation } from '../observe/observation.ts'
import { columnsOf } from './columns.ts'
import { currentOf } from './current.ts'
import type { Decision, State } from './decision.ts'
import { driftsOf } from './drift.ts'
import { durationInWords } from './duration.ts'
import { clipped, inBrief, inShort } from './in-short.ts'
import { statusOf2018 } from './status-of-2018.ts'

const maxMessageLength = 4_000
const maxPastRollouts = 10
const maxHeld = 16
const maxPastChecks = 8
/** `rollouts[].message` has the whole cause of a failure. */
const maxEvidenceLength = 256
/** One may be the version that fails next. */
const maxHealthyVersions = 2

/** Makes the status of a decision; no other function makes a status. */
export function statusOf(observation: Observation, decision: Decision): ContainerVersionStatus {
  const { object, now } = observation
  const { state, offered, rollout, ended } = decision
  const before = object.status
  if (!state) return before
  const latest = offered ?? lastVersion(observation.offer)
  const observed = latest ? observedOf(object, latest, now) : before.observed
  const message = messageOf(decision, state, observed).slice(0, maxMessageLength)
  const current = currentAfter(observation, decision)
  const status = withoutUndefined({
    ...before,
    observedGeneration: object.generation,
    phase: state.phase,
    message,
    observed,
    current,
    drifts: driftsOf(observation, { ...decision, state }),
    lastHealthy: lastHealthyOf(before, decision),
    next: nextOf(decision, current),
    held: decision.held && decision.held.length > 0 ? decision.held.slice(0, maxHeld) : undefined,
    rollout,
    lastHandledReconcileAt: observation.answeredRequest ?? before.lastHandledReconcileAt,
    rollouts: ended ? pastRollouts(before.rollouts, ended, object.generation) : before.rollouts,
    quarantined: quarantinedOf(object, decision, observed?.digest),
    conditions: conditionsOf(object, { ...state, message }, now),
  })
  return withoutUndefined({ ...status, ...statusOf2018(status, now), ...columnsOf(object.spec, status) })
}

/** For people. Where all workloads run a version that has no name, it says why. */
function messageOf(
  { offered, healthy }: Decision,
  { phase, message }: State,
  observed: ContainerVersionStatus['observed'],
): string {
  const digest = offered?.digest ?? healthy?.digest
  const hint = phase === 'UpToDate' && observed?.digest === digest ? observed?.hint : undefined
  return shortDigest(hint === undefined ? message : `${message}: ${hint}`)
}

/** It does not change during a rollout: what the workloads run then is between two versions. */
function currentAfter(
  observation: Observation,
  { offered, rollout, ended, current }: Decision,
): CurrentVersion | undefined {
  const { object, now } = observation
  if (rollout && object.status.rollout) return object.status.current
  return current ?? currentOf(observation, offered, ended?.endTime ?? timestamp(now))
}

/** The version on offer, and since when it has been seen. */
function observedOf({ spec, status }: ContainerVersion, { digest, name, source, hint }: Version, now: number) {
  const before = status.observed
  const tag = spec.tag ?? name
  const firstSeenTime = before?.digest === digest && before.tag === tag ? before.firstSeenTime : timestamp(now)
  return withoutUndefined({ tag, digest, version: name, source, hint, firstSeenTime })
}

/** What is available and does not run; not a version that has failed and was left in place. */
function nextOf(
  { rollout, failure, offered, heldBy }: Decision,
  current: CurrentVersion | undefined,
): ContainerVersionStatus['next'] {
  if (rollout) return { digest: rollout.digest, version: rollout.version, heldBy: 'Rollout' }
  const held = failure
    ? { digest: failure.digest, version: failure.version, heldBy: 'Quarantine' }
    : offered && heldBy && { digest: offered.digest, version: offered.name, heldBy }
  return held && held.digest !== current?.digest ? held : undefined
}

/** A version that has failed is none of them any more. */
function lastHealthyOf(
  { lastHealthy = [] }: ContainerVersionStatus,
  { healthy, failure }: Decision,
): ContainerVersionStatus['lastHealthy'] {
  const others = lastHealthy.filter(({ digest }) => digest !== healthy?.digest && digest !== failure?.digest)
  const all = healthy ? [healthy, ...others] : others
  return all.length > 0 ? all.slice(0, maxHealthyVersions) : undefined
}

/** A version that failed stays in quarantine for as long as it is on offer and the spec is the same. */
function quarantinedOf(
  { status, generation }: ContainerVersion,
  { state, rollout, failure }: Decision,
  onOffer: string | undefined,
): ContainerVersionStatus['quarantined'] {
  if (failure) return [failure]
  if (rollout || state?.phase === 'UpToDate') return undefined
  const entries = status.quarantined?.filter((entry) => entry.digest === onOffer && entry.generation === generation)
  return entries && entries.length > 0 ? entries : undefined
}

/** The last rollouts, with this one in front and only once. It alone keeps its workloads and Services, for its events. */
export function pastRollouts(
  before: readonly PastRollout[] | undefined,
  rollout: RolloutStatus,
  generation: number,
): readonly PastRollout[] {
  const { id, digest, version, from, outcome = 'Aborted', reason, message, strategy } = rollout
  const { startTime, endTime = startTime, workloads, services, switchTime, switchBackTime } = rollout
  const told = { id, digest, version, from, outcome, reason, message, generation, startTime, endTime }
  const switches = { services, switchTime, switchBackTime }
  const ended = { ...told, strategy, checks: evidenceOf(rollout), workloads, ...switches }
  const entry = withoutUndefined({ ...ended, duration: durationInWords(startTime, endTime) })
  const others = (before ?? [])
    .filter((other) => other.id !== id)
    .map(({ workloads: _, services: __, ...other }) => other)
  return [entry, ...others].slice(0, maxPastRollouts)
}

/** The checks that failed or were interrupted, and the last ones that passed. */
function evidenceOf({ checks = [] }: RolloutStatus): PastRollout['checks'] {
  const failed = checks.filter(({ state }) => state === 'Failed' || state === 'Error' || state === 'Running')
  const passed = checks.filter(({ state }) => state === 'Passed')
  const kept = new Set([...failed, ...passed.reverse()].slice(0, maxPastChecks))
  const short = checks
    .filter((check) => kept.has(check))
    .map(({ message, ...check }) =>
      message === undefined ? check : { ...check, message: clipped(message, maxEvidenceLength) },
    )
  return short.length > 0 ? short : undefined
}

/** What a gate says, for `status.held`. */
export function heldOf({ by, name, message, until }: Verdict): Held {
  return {
    by,
    ...(name === undefined ? {} : { name: inShort(name) }),
    message: inShort(message),
    ...(until === undefined ? {} : { until: timestamp(until) }),
  }
}

type Truth = Condition['status']

/** What each phase means for the conditions: [Ready, Progressing, Stalled]. */
const truths: Readonly<Record<Phase, readonly [Truth, Truth, Truth]>> = {
  Pending: ['Unknown', 'True', 'False'],
  UpToDate: ['True', 'False', 'False'],
  RollingOut: ['False', 'True', 'False'],
  Verifying: ['False', 'True', 'False'],
  RollingBack: ['False', 'True', 'False'],
  RolledBack: ['False', 'False', 'True'],
  Failed: ['False', 'False', 'True'],
  Stalled: ['False', 'False', 'True'],
  Unavailable: ['False', 'False', 'False'],
}

function conditionsOf(
  { status: { conditions }, generation: observedGeneration }: ContainerVersion,
  { phase, reason, message }: State,
  now: number,
): readonly Condition[] {
  const [ready, progressing, stalled] = truths[phase]
  const condition = (type: Condition['type'], status: Truth): Condition => {
    const before = conditions?.find((candidate) => candidate.type === type)
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(now)
    // Tools show the message of Ready, and of what is true.
    const words = type === 'Ready' || status === 'True' ? inShort(message) : inBrief(message)
    return { type, status, reason, message: words, lastTransitionTime, observedGeneration }
  }
  return [condition('Ready', ready), condition('Progressing', progressing), condition('Stalled', stalled)]
}

/** The API server drops fields that are undefined: without them here, a status equals the one that was read. */
function withoutUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(defined) as { [K in keyof T]: Exclude<T[K], undefined> }
}
