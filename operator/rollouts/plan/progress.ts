import type { RolloutStatus } from '../../api/rollout-status.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'
import type { ObstacleReason } from '../strategies/strategy.ts'
import type { Workload } from '../workloads/workload.ts'

/** A rollout that takes no longer writes no progress. */
const minGapMs = 5_000
const maxGapMs = 60_000

/** What a rollout waits for. */
export interface Waiting {
  /** Why the version cannot be tried at the moment. */
  readonly reason?: ObstacleReason | undefined
  readonly message: string
}

/**
 * Notes in the status what a rollout waits for: an obstacle at once, and the rest ever less often, since pods change all the
 * time: after 5, 10, 15, 22 s, …, once a minute in the end. That makes some 20 writes in 15 minutes at the most.
 */
export function withProgress(rollout: RolloutStatus, waiting: Waiting | undefined, now: number): RolloutStatus {
  const { progress: before, ...others } = rollout
  if (waiting === undefined) return before?.reason === undefined ? rollout : others
  const { reason, message } = waiting
  if (before?.reason === reason && (before?.message === message || now < nextTime(rollout))) return rollout
  return { ...others, progress: { ...(reason === undefined ? {} : { reason }), message, time: timestamp(now) } }
}

function nextTime({ startTime, rollbackTime = startTime, progress }: RolloutStatus): number {
  const began = Date.parse(rollbackTime)
  const last = Date.parse(progress?.time ?? rollbackTime)
  return last + Math.min(Math.max((last - began) / 2, minGapMs), maxGapMs)
}

/** What the API server has answered to the last patches of these workloads and Services; undefined if it has refused none. */
export function refusedPatches(
  { refused, services = new Map() }: Observation,
  workloads: readonly Workload[],
): Waiting | undefined {
  const seen = [...services.values()].map(({ ref }) => ({ ref, name: `Service/${ref.name}` }))
  const answers = [...workloads, ...seen].flatMap(({ ref, name }) => {
    const answer = refused?.get(ref.uid)
    return answer === undefined ? [] : [`the API server refuses the change of ${name}: ${answer}`]
  })
  return answers.length > 0 ? { reason: 'PatchRefused', message: answers.join('; ') } : undefined
}

/** What workloads that have their images wait for. */
export function unhealthyPods(workloads: readonly Workload[]): Waiting | undefined {
  const waiting = workloads.flatMap(({ name, health }) =>
    health.state === 'healthy'
      ? []
      : [{ name, reason: health.reason, isRefused: 'because' in health && health.because === 'Quota' }],
  )
  if (waiting.length === 0) return undefined
  const message = waiting.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  return { reason: waiting.some(({ isRefused }) => isRefused) ? 'PodsRefused' : undefined, message }
}
