import { hash } from 'node:crypto'
import type { PastRollout, RolloutStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { shortDigest } from '../../images/digest.ts'
import type { EventText } from '../../kubernetes/events.ts'
import { neverWentOut } from './checks.ts'
import { previousVersions } from './previous.ts'

export interface PlannedEvent extends EventText {
  /** The name of the workload that the event is about, if it does not appear on it. */
  readonly about?: string | undefined
  /** The versions that the event leads from and to; a rollback leads back. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Events appear on these workloads too, not only on the ContainerVersion. */
  readonly workloads: readonly { readonly kind: string; readonly name: string; readonly uid: string }[]
}

function rolloutEvent(
  { id, from, version, workloads }: Pick<RolloutStatus, 'id' | 'from' | 'version' | 'workloads'>,
  type: PlannedEvent['type'],
  reason: string,
  message: string,
): PlannedEvent {
  return { type, reason, message, id, from, to: version, workloads }
}

/** From which version to which a rollout in progress leads now. */
export function directionOf(rollout: RolloutStatus): Pick<PlannedEvent, 'from' | 'to'> {
  const { phase, from, version } = rollout
  return phase === 'RollingBack' ? { from: version, to: previousVersions(rollout) } : { from, to: version }
}

/** A version without a name is its digest. */
function withDigest(version: string, digest: string): string {
  const short = shortDigest(digest)
  return version === short ? short : `${version} (${short})`
}

/** The events of a rollout in their order; several may be written within one second. */
const reasonsInOrder = [
  'Adopted',
  'DriftDetected',
  'RolloutSuperseded',
  'RolloutStarted',
  'Verifying',
  'CheckFailed',
  'ServiceSwitched',
  'RolloutFailed',
  'ServiceSwitchedBack',
]

/** The place of an event among those of its second. Events that end a rollout come last. */
export function orderOf(reason: string): number {
  const at = reasonsInOrder.indexOf(reason)
  return at < 0 ? reasonsInOrder.length : at
}

/** Afterwards nobody misses an event, and the API server may have dropped it: it must not come back after a restart. */
const maxEventAgeMs = 5 * 60_000

/**
 * The events that belong to a status. They follow from the status alone: if one could not be written, or the process dies
 * before it is, the next reconcile writes it. The API server refuses an event that is there already.
 * @param now milliseconds since the epoch
 */
export function eventsOf(status: ContainerVersionStatus, now: number): readonly PlannedEvent[] {
  const { rollout, rollouts = [] } = status
  const isYoung = (time: string) => now < Date.parse(time) + maxEventAgeMs
  const workloads = rollout?.workloads ?? rollouts[0]?.workloads ?? []
  const past = rollouts.filter(({ endTime }) => isYoung(endTime)).reverse()
  return [
    ...namelessEvents(status, isYoung),
    ...driftEvents(status, isYoung),
    ...past.flatMap((ended) => endedEvents({ workloads, ...ended })),
    ...(rollout
      ? [startedEvent(rollout), ...checkEvents(rollout), ...switchEvents(rollout)]
      : [...adoptedEvents(status, isYoung), ...stateEvents(status)]),
    ...(rollout?.reason === undefined ? [] : [failedEvent(rollout)]),
  ]
}

type Ended = PastRollout & Pick<RolloutStatus, 'workloads'>

/** Of a strategy that switches users from one workload to another. */
function switchEvents(
  rollout: Pick<
    RolloutStatus,
    'id' | 'version' | 'digest' | 'from' | 'workloads' | 'services' | 'switchTime' | 'switchBackTime'
  >,
): readonly PlannedEvent[] {
  const { version, digest, from = 'the version before', services: [service] = [], switchTime, switchBackTime } = rollout
  if (service === undefined || switchTime === undefined) return []
  const there = `Service ${service.name} leads to ${withDigest(version, digest)} now, instead of ${from}`
  const back = `Service ${service.name} leads to ${from} again, instead of ${version}`
  return [
    rolloutEvent(rollout, 'Normal', 'ServiceSwitched', there),
    ...(switchBackTime === undefined
      ? []
      : [{ ...rolloutEvent(rollout, 'Warning', 'ServiceSwitchedBack', back), from: version, to: from }]),
  ]
}

function endedEvents(rollout: Ended): readonly PlannedEvent[] {
  const { outcome, reason } = rollout
  const hasFailed = outcome === 'RolledBack' || outcome === 'Failed' || reason !== undefined
  return [
    startedEvent(rollout),
    ...checkEvents(rollout),
    ...switchEvents(rollout),
    ...(hasFailed ? [failedEvent(rollout)] : []),
    outcomeEvent(rollout),
  ]
}

function startedEvent(rollout: Pick<RolloutStatus, 'id' | 'version' | 'digest' | 'from' | 'workloads'>): PlannedEvent {
  const { version, digest, workloads, from } = rollout
  const names = workloads.map(({ kind, name }) => `${kind}/${name}`).join(', ')
  const before = from ? `, which ran ${from}` : ''
  return rolloutEvent(
    rollout,
    'Normal',
    'RolloutStarted',
    `rolling out ${withDigest(version, digest)} to ${names}${before}`,
  )
}

/** That the checks of a stage have begun, and which of them has failed. What could not be run is the obstacle of the rollout. */
function checkEvents(
  rollout: Pick<RolloutStatus, 'id' | 'version' | 'from' | 'checks' | 'workloads'>,
): readonly PlannedEvent[] {
  const { id, version, checks = [] } = rollout
  const began = checks.filter(({ since }) => since !== undefined)
  return [...new Set(began.map(({ step }) => step))].flatMap((stage) => {
    const names = checks.filter(({ step }) => step === stage).map(({ name }) => name)
    const when = stage === 'container' ? 'before anything is changed' : 'while it runs'
    const failed = began.filter(({ step, state }) => step === stage && state === 'Failed')
    const event = (type: PlannedEvent['type'], reason: string, message: string): PlannedEvent => ({
      ...rolloutEvent(rollout, type, reason, message),
      id: `${id} ${stage}`,
    })
    return [
      event('Normal', 'Verifying', `verifying ${version} ${when}: ${names.join(', ')}`),
      ...failed.map(({ name, message }) =>
        event('Warning', 'CheckFailed', `check ${name} of ${version} has failed: ${message}`),
      ),
    ]
  })
}

function failedEvent(
  rollout: Pick<RolloutStatus, 'id' | 'version' | 'from' | 'reason' | 'message' | 'outcome' | 'workloads' | 'checks'>,
): PlannedEvent {
  const { version, message, outcome, reason = '' } = rollout
  const consequence = neverWentOut(rollout)
    ? 'It was not rolled out.'
    : outcome === 'Failed'
      ? 'The workloads stay as they are, since rollback is off (spec.rollback.enabled, or the setting rollback).'
      : 'The previous images are put back.'
  return outcome === 'Aborted'
    ? rolloutEvent(rollout, 'Warning', reason, `${version} could not be tried: ${message}. ${consequence}`)
    : rolloutEvent(rollout, 'Warning', 'RolloutFailed', `${version} failed: ${message}. ${consequence}`)
}

function outcomeEvent(rollout: Ended): PlannedEvent {
  const { outcome, version, digest, reason: obstacle, message, duration } = rollout
  const event = (type: PlannedEvent['type'], reason: string, words: string) =>
    rolloutEvent(rollout, type, reason, words)
  switch (outcome) {
    case 'Succeeded':
      return event(
        'Normal',
        'RolloutSucceeded',
        `${withDigest(version, digest)} is rolled out and healthy, after ${duration}`,
      )
    case 'RolledBack': {
      if (neverWentOut(rollout))
        return event(
          'Warning',
          'NotRolledOut',
          `${version} failed and was not rolled out, after ${duration}: ${message}`,
        )
      const to = previousVersions(rollout)
      const words = `${version} failed and was rolled back to ${to}, after ${duration}: ${message}`
      return { ...event('Warning', 'RolledBack', words), from: version, to }
    }
    case 'Failed':
      return event('Warning', 'LeftInPlace', `${version} failed and was left in place, after ${duration}: ${message}`)
    case 'Superseded':
      return event('Normal', 'RolloutSuperseded', `the rollout of ${version} was ${message}, which is on offer now`)
    case 'Aborted': {
      const result = neverWentOut(rollout) ? 'ended before it was rolled out' : 'was taken back'
      const words = `the rollout of ${version} ${result}, after ${duration}: ${message}`
      const type = obstacle === undefined ? 'Normal' : 'Warning'
      return { ...event(type, 'RolloutAborted', words), from: version, to: previousVersions(rollout) }
    }
  }
}

/** Once for each digest: the message of the status says it for as long as it is so. */
function namelessEvents(
  { observed }: ContainerVersionStatus,
  isYoung: (time: string) => boolean,
): readonly PlannedEvent[] {
  const { digest: id = '', version, hint, firstSeenTime = '' } = observed ?? {}
  if (hint === undefined || !isYoung(firstSeenTime)) return []
  return [
    { type: 'Normal', reason: 'VersionHasNoName', message: `${version}: ${hint}`, id, to: version, workloads: [] },
  ]
}

function driftEvents(
  { drifts = [] }: ContainerVersionStatus,
  isYoung: (time: string) => boolean,
): readonly PlannedEvent[] {
  return drifts
    .filter(({ firstSeenTime }) => isYoung(firstSeenTime))
    .reverse()
    .map(({ workload, image, setTime, firstSeenTime, from, version, message }) => {
      const id = `${workload} ${image} ${setTime ?? firstSeenTime}`
      return { type: 'Warning', reason: 'DriftDetected', message, id, workloads: [], from, to: version }
    })
}

/** The workloads have come to run this version without a rollout. */
function adoptedEvents(
  { phase, current, lastHealthy = [], drifts = [], rollouts = [] }: ContainerVersionStatus,
  isYoung: (time: string) => boolean,
): readonly PlannedEvent[] {
  const { digest, version = '', since = '' } = current ?? {}
  const isUpToDate = phase === 'UpToDate'
  const wasUpToDate = isUpToDate || lastHealthy.some((healthy) => healthy.digest === digest)
  if (digest === undefined || !wasUpToDate || !isYoung(since)) return []
  // Somebody has set it, although something else is on offer.
  if (!isUpToDate && drifts.some(({ firstSeenTime }) => firstSeenTime === since)) return []
  // A rollback may have restored it, too.
  const rolledOut = ({ outcome }: PastRollout) => outcome === 'Succeeded' || !isUpToDate
  if (rollouts.some((rollout) => rollout.endTime === since && rolledOut(rollout))) return []
  const message = `the workloads already run ${withDigest(version, digest)}: nothing was changed`
  return [{ type: 'Normal', reason: 'Adopted', message, id: digest, to: version, workloads: [] }]
}

function stateEvents(status: ContainerVersionStatus): readonly PlannedEvent[] {
  const { phase, message = '', conditions, current, next, rollouts: [last] = [] } = status
  const ready = conditions?.find(({ type }) => type === 'Ready')
  const troubled = phase === 'Stalled' || phase === 'Unavailable'
  const held = phase === 'Pending' && next !== undefined
  if (!ready || !(troubled || held)) return []
  // The events of a version that could not be tried have told why.
  if (last?.outcome === 'Aborted' && last.reason === ready.reason) return []
  const id = hash('sha256', `${message} ${ready.lastTransitionTime}`).slice(0, 10)
  const versions = next && { from: current?.version, to: next.version }
  return [{ type: troubled ? 'Warning' : 'Normal', reason: ready.reason, message, id, ...versions, workloads: [] }]
}
