/** When a target is polled: once an interval, counted from its first poll. */
import type { PolledTarget, View } from './polled-target.ts'

/**
 * Each target is polled a little more often than necessary, by its own part of this fraction. So targets that were all
 * first polled at the same time, after a restart, spread over the interval.
 */
const maxDrift = 0.02
/**
 * Polls fall on whole seconds. A process that wakes up for each poll finds cold caches each time: a thousand polls a minute
 * in groups cost half the processor time that they cost one by one (docs/performance.md).
 */
const maxBeatMs = 1_000
const timerSlackMs = 2

/** The time from one regular poll to the next. */
export const stepMsOf = ({ intervalMs, drift }: PolledTarget): number => intervalMs * (1 - maxDrift * drift)

/** The next regular poll, on its beat. */
export function beatOf({ next, intervalMs }: PolledTarget): number {
  const beatMs = Math.min(maxBeatMs, intervalMs / 10)
  return Math.floor(next / beatMs) * beatMs
}

/** A regular poll is due, or was due before. */
export const isRegular = (target: PolledTarget, now: number): boolean => now >= beatOf(target) - timerSlackMs

/** Late and additional polls do not shift the regular ones. */
export function advance(target: PolledTarget, now: number): void {
  if (!isRegular(target, now)) return
  const stepMs = stepMsOf(target)
  const next = target.next + stepMs
  target.next = next > now ? next : now + stepMs
}

/** For a new follower, a poll asks for its tag only, and not for the rest of the batch before its time. */
export function viewsDue(target: PolledTarget, now: number): readonly View[] {
  const all = target.kind !== 'batch' || target.urgent || target.failures > 0 || isRegular(target, now)
  return all ? [...target.views] : target.views.filter(({ offer }) => offer.state === 'unknown')
}
