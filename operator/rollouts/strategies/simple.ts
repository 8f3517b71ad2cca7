import type { Workload } from '../workloads/workload.ts'
import { patchAndWait } from './patch-and-wait.ts'
import { done, inPart, type Observed, type Rollout, type Step, type Strategy, verify } from './strategy.ts'

/** Patches the workloads in their order, those of one number at once, each number healthy before the next. Then it verifies. */
export class Simple implements Strategy {
  next({ image, deadlineOf, verified }: Rollout, { workloads, now }: Observed): Step {
    const orders = [...new Set(workloads.map(({ order }) => order))].sort((one, other) => one - other)
    for (const [at, order] of orders.entries()) {
      const group = workloads.filter((workload) => workload.order === order)
      const part = { index: at + 1, of: orders.length, name: namesOf(group) }
      const step = patchAndWait(image, group, deadlineOf(part), now)
      if (step) return inPart(part, step)
    }
    return verified ? done() : verify()
  }
}

const namesOf = (workloads: readonly Workload[]): string => workloads.map(({ name }) => name).join(', ')
