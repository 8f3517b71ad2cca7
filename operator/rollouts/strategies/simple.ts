import { apply, done, fail, type Observed, type Rollout, type Step, type Strategy, wait } from './strategy.ts'

/** Patches all workloads at once, then waits until every one is healthy. */
export class Simple implements Strategy {
  next({ image, deadline }: Rollout, { workloads, now }: Observed): Step {
    const behind = workloads.filter((workload) => !workload.runs(image))
    if (behind.length > 0) {
      return now < deadline
        ? apply(behind.map((workload) => workload.changeTo(image)))
        : fail('DeadlineExceeded', `${behind.map(({ name }) => name).join(', ')} could not be changed by the deadline`)
    }

    for (const { name, health } of workloads) {
      if (health.state === 'stuck') return fail('WorkloadStuck', `${name}: ${health.reason}`)
    }
    const waiting = workloads.flatMap(({ name, health }) =>
      health.state === 'waiting' ? [`${name}: ${health.reason}`] : [],
    )
    if (waiting.length === 0) return done()
    const reasons = waiting.join('; ')
    return now < deadline
      ? wait(reasons, deadline)
      : fail('DeadlineExceeded', `still waiting at the deadline for ${reasons}`)
  }
}
