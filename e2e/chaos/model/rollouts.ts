import { defaultScaleDownDelaySeconds, type Outcome } from '../../../operator/api/names.ts'
import type { RolloutSettings, RolloutStatus } from '../../../operator/api/rollout-status.ts'
import { havePassed } from '../../../operator/rollouts/plan/checks.ts'
import type { State } from './states.ts'

/** A rollout, as the status of the ContainerVersion told of it from state to state. */
export interface Told {
  readonly id: string
  readonly digest: string
  readonly image: string
  /** The UID of the ContainerVersion, and its generation. */
  readonly owner: string
  readonly generation: number | undefined
  /** The first state that names it. */
  readonly began: { readonly at: number; readonly revision: number }
  /** The state in which it has ended. Undefined: it has not. */
  readonly ended: { readonly at: number; readonly revision: number } | undefined
  readonly outcome: Outcome | undefined
  /** Whether its checks before the first patch have passed, or those of a rollout that it has replaced. */
  readonly wentOut: boolean
  /** Since which revision it goes back. */
  readonly backSince: number | undefined
  /** How many parts with a deadline of their own it has had. */
  readonly parts: number
  readonly timeoutSeconds: number
  /** How long its clock may stand still, for checks and for the old side that keeps running. */
  readonly maxStillSeconds: number
  /** All that have ever been in it, and those that are in it in the end. */
  readonly workloads: RolloutStatus['workloads']
  readonly lasting: RolloutStatus['workloads']
}

export function rolloutsOf(states: readonly State[]): readonly Told[] {
  const told = new Map<string, Told>()
  for (const { object, at, revision } of states) {
    if (object.kind !== 'ContainerVersion') continue
    const { rollout, rollouts = [] } = object.status ?? {}
    for (const other of told.values()) {
      if (other.ended || other.owner !== object.metadata.uid || other.id === rollout?.id) continue
      const outcome = rollouts.find(({ id }) => id === other.id)?.outcome ?? other.outcome
      told.set(other.id, { ...other, ended: { at, revision }, outcome })
    }
    if (!rollout) continue
    const before = told.get(rollout.id)
    const isOver = rollout.phase === 'Recording'
    told.set(rollout.id, {
      id: rollout.id,
      digest: rollout.digest,
      image: rollout.image,
      owner: object.metadata.uid,
      generation: object.status?.observedGeneration,
      began: before?.began ?? { at, revision },
      ended: before?.ended ?? (isOver ? { at, revision } : undefined),
      outcome: rollout.outcome,
      wentOut: havePassed(rollout, 'container') || rollout.replaced !== undefined,
      backSince: before?.backSince ?? (rollout.phase === 'RollingBack' ? revision : undefined),
      parts: Math.max(before?.parts ?? 1, rollout.step?.index ?? 1),
      timeoutSeconds: rollout.settings?.timeoutSeconds ?? 0,
      maxStillSeconds: maxStillOf(rollout.settings),
      // A workload that was made anew takes the place of the old one.
      workloads: [
        ...rollout.workloads,
        ...(before?.workloads ?? []).filter(({ uid }) => !rollout.workloads.some((member) => member.uid === uid)),
      ],
      lasting: rollout.workloads,
    })
  }
  return [...told.values()]
}

function maxStillOf(settings: RolloutSettings | undefined): number {
  const { verify: after = [], blueGreen } = settings?.strategy ?? {}
  const checks = [...(settings?.verify ?? []), ...after]
  const delay = blueGreen?.scaleDown ? (blueGreen.scaleDownDelaySeconds ?? defaultScaleDownDelaySeconds) : 0
  return checks.reduce((sum, { timeoutSeconds = 300 }) => sum + timeoutSeconds, delay)
}

/** What a rollback restores in a container. */
export function previousOf({ workloads }: Told, uid: string, container: string): string | undefined {
  return workloads.find((member) => member.uid === uid)?.previous.find(({ name }) => name === container)?.image
}
