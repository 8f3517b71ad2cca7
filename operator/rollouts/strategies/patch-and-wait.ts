import type { Change, Workload } from '../workloads/workload.ts'
import { apply, fail, giveUp, type Step, wait, waitForPerson } from './strategy.ts'

/**
 * Patches these workloads at once, then waits until every one is healthy.
 * @param deadline milliseconds since the epoch
 * @returns undefined when all are healthy with the image
 */
export function patchAndWait(
  image: string,
  workloads: readonly Workload[],
  deadline: number,
  now: number,
): Step | undefined {
  const behind = workloads.filter((workload) => !workload.runs(image))
  if (behind.length > 0) {
    const changes = behind.map((workload) => workload.changeTo(image))
    return applyBy(deadline, now, changes, behind.map(({ name }) => name).join(', '))
  }

  for (const { name, health } of workloads) {
    if (health.state === 'stuck') return fail('WorkloadStuck', `${name}: ${health.reason}`)
  }
  const waiting = workloads.flatMap(({ name, health }) =>
    health.state === 'waiting' ? [{ because: health.because, reason: `${name}: ${health.reason}` }] : [],
  )
  if (waiting.length === 0) return undefined
  const causes = new Set(waiting.map(({ because }) => because))
  const reasons = waiting.map(({ reason }) => reason).join('; ')
  // Only if nothing else is at work: the others still have their deadline.
  if ([...causes].every((cause) => cause === 'Paused' || cause === 'OnDelete'))
    return causes.has('Paused') ? waitForPerson('WorkloadPaused', reasons) : waitForPerson('PodsToDelete', reasons)
  if (now < deadline) return wait(reasons, deadline, workloads)
  const message = `still waiting at the deadline for ${reasons}`
  return causes.has('Quota') ? giveUp('PodsRefused', message) : fail('DeadlineExceeded', message)
}

/** Makes these changes, if the API server takes them by the deadline. @param names what changes, for people */
export function applyBy(deadline: number, now: number, changes: readonly Change[], names: string): Step {
  if (now < deadline) return apply(changes)
  const message = `${names} could not be changed by the deadline; the events PatchRefused have the API server's answer`
  return giveUp('PatchRefused', message)
}
