/** What happens in a simulated cluster while rollouts go on, as property tests play it. */
import fc from 'fast-check'
import type { Simulated } from './simulated.fixture.ts'
import type { Simulation } from './simulation.fixture.ts'

export const second = 1_000
/** R11 */
export const maxOverdueMs = 10 * second

/** @param at the number of the move */
export type Act = (cluster: Simulation, workload: Simulated, at: number) => void
export type Acts = Readonly<Record<string, Act>>

interface Move {
  readonly what: string
  /** The number of the workload. */
  readonly of: number
  /** How long nothing else happens afterwards. */
  readonly seconds: number
}

export const offer =
  (name: string | undefined): Act =>
  (cluster) => {
    cluster.offered = name
  }

export const moves = (acts: Acts, { workloads, maxSeconds }: { workloads: number; maxSeconds: number }) =>
  fc.array(
    fc.record({
      what: fc.constantFrom(...Object.keys(acts)),
      of: fc.nat(workloads - 1),
      seconds: fc.nat(maxSeconds),
    }),
    { minLength: 1, maxLength: 12 },
  )

/** Plays the moves a second at a time. @param holds checked after each second */
export function play(
  cluster: Simulation,
  acts: Acts,
  played: readonly Move[],
  holds: () => void = () => undefined,
): void {
  for (const [at, { what, of, seconds }] of played.entries()) {
    const workload = cluster.workloads[of % Math.max(1, cluster.workloads.length)] ?? cluster.gone[0]
    if (workload) acts[what]?.(cluster, workload, at)
    for (let time = 0; time <= seconds; time += 1) {
      cluster.run(second)
      holds()
    }
  }
}

export function mustNotBeOverdue({ object: { status }, now }: Simulation): void {
  const { rollout } = status
  if (!rollout || rollout.waitingSince !== undefined) return
  const overdue = now - Date.parse(rollout.deadline)
  if (overdue > maxOverdueMs) throw new Error(`${overdue} ms after the deadline: ${JSON.stringify(rollout)}`)
}
