/** What ServiceBlueGreen sees at once: its two sides, and where its Services lead. */
import type { StrategySpec } from '../../../api/strategy.ts'
import { NeedsChangeError } from '../../../errors.ts'
import type { Change, Labels, Workload } from '../../workloads/workload.ts'
import type { Observed, Rollout, SeenAutoscaler, SeenService } from '../strategy.ts'
import { leadsTo, type Place, placeOf, pointedAt, type Sides, sidesOf } from './sides.ts'

export interface Setup extends Sides {
  /** The Service of the users. */
  readonly users: Pointer
  /** The Service that leads to the side that is being verified. */
  readonly preview: Pointer | undefined
  /** The autoscaler of the idle side. */
  readonly autoscaler: SeenAutoscaler | undefined
}

/** A Service that leads to one of the sides. */
export interface Pointer {
  readonly name: string
  /** Undefined if it is gone. */
  readonly seen: SeenService | undefined
  readonly before: Labels
  /** Its selector once it leads to the idle side. */
  readonly after: Labels
  readonly place: Place
}

/** @param rollout the one in progress: it keeps its sides, wherever the Services lead by now */
export function setupOf(
  { blueGreen }: StrategySpec,
  { namespace, workloads, services, autoscalers }: Observed,
  rollout?: Pick<Rollout, 'services'>,
): Setup | NeedsChangeError {
  const { serviceName = '', verificationServiceName, labelNames } = blueGreen ?? {}
  const known = (name: string) => {
    const seen = services.get(name)
    return (
      rollout?.services.find((one) => one.name === name) ?? (seen && { uid: seen.ref.uid, selector: seen.selector })
    )
  }
  const before = known(serviceName)
  if (!before) return notFound(namespace, serviceName, 'serviceName')
  const sides = sidesOf(serviceName, before.selector, workloads, labelNames)
  if (sides instanceof NeedsChangeError) return sides
  const pointer = (name: string, { uid, selector }: { uid: string; selector: Labels }): Pointer => {
    const after = pointedAt(selector, sides.keys, sides.idle)
    const seen = services.get(name)
    return { name, seen, before: selector, after, place: placeOf({ uid, selector }, seen, after) }
  }
  const setup = { ...sides, users: pointer(serviceName, before), autoscaler: autoscalers.get(sides.idle.name) }
  if (verificationServiceName === undefined) return { ...setup, preview: undefined }
  const verification = known(verificationServiceName)
  if (!verification) return notFound(namespace, verificationServiceName, 'verificationServiceName')
  const preview = pointer(verificationServiceName, verification)
  return leadsTo(verification.selector, sides.idle) || leadsTo(preview.after, sides.idle)
    ? { ...setup, preview }
    : new NeedsChangeError(
        'LabelMissing',
        `the Service ${verificationServiceName} would not select the pods of ${sides.idle.name} with the labels ${sides.keys.join(', ')}: take the other labels, which the pod template does not have, out of its selector`,
      )
}

function notFound(namespace: string, name: string, field: string): NeedsChangeError {
  return new NeedsChangeError(
    'ServiceNotFound',
    `there is no Service ${name} in namespace ${namespace}: create it, or change spec.strategy.blueGreen.${field}`,
  )
}

/** The idle side must be able to have as many pods as the live one. */
export function autoscalerProblem({ live, idle, users, autoscaler }: Setup): NeedsChangeError | undefined {
  const wanted = live.replicas ?? 0
  if (!autoscaler || autoscaler.max >= wanted || users.place === 'after') return undefined
  return new NeedsChangeError(
    'AutoscalerTooLow',
    `${live.name} has ${wanted} pods, and the HorizontalPodAutoscaler ${autoscaler.name} allows ${idle.name} only ${autoscaler.max}: raise its maxReplicas to that of the other side`,
  )
}

/** Guarded by what the decision rests on. */
export function pointTo(
  seen: SeenService | undefined,
  selector: Labels,
  sides: readonly Workload[],
): readonly Change[] {
  const workloads = sides.map(({ ref }) => ref)
  return seen ? [{ change: 'selector', of: seen.ref, selector, seen: seen.selector, workloads }] : []
}

export const scale = ({ ref }: Workload, replicas: number): Change => ({ change: 'scale', of: ref, replicas })

/** The ready pods of a side; those of a Service are its ready endpoints (B31). */
export function readyOf({ ready }: Workload, service?: SeenService): number {
  return service ? [...ready].filter((uid) => service.ready.has(uid)).length : ready.size
}
