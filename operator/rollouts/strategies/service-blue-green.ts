import { defaultScaleDownDelaySeconds } from '../../api/names.ts'
import type { StrategySpec } from '../../api/strategy.ts'
import { NeedsChangeError } from '../../errors.ts'
import { timestamp } from '../../time/clock.ts'
import type { Workload } from '../workloads/workload.ts'
import { back } from './blue-green/back.ts'
import { isAt, type Parts, partsOf } from './blue-green/parts.ts'
import { autoscalerProblem, type Pointer, pointTo, readyOf, type Setup, scale, setupOf } from './blue-green/setup.ts'
import { leadsTo } from './blue-green/sides.ts'
import { applyBy, patchAndWait } from './patch-and-wait.ts'
import {
  apply,
  type BackStep,
  done,
  fail,
  giveUp,
  inPart,
  type Observed,
  pause,
  type Read,
  type Rollout,
  type SeenService,
  type Step,
  type Strategy,
  verify,
  wait,
} from './strategy.ts'

/**
 * Rolls out to the Deployment that the Service does not select, and then switches the Service to it. Each step follows from
 * what is seen. The selectors that the rollout found at its start say which side is which.
 */
export class ServiceBlueGreen implements Strategy {
  reads({ blueGreen }: StrategySpec): readonly Read[] {
    const names = [blueGreen?.serviceName, blueGreen?.verificationServiceName]
    const services = names.flatMap((name): Read[] => (name === undefined ? [] : [{ read: 'service', name }]))
    return [...services, { read: 'autoscalers' }]
  }

  problem(settings: StrategySpec, seen: Observed, rollout?: Rollout): NeedsChangeError | undefined {
    if (rollout?.switched) return undefined
    const setup = setupOf(settings, seen, rollout)
    return setup instanceof NeedsChangeError ? setup : autoscalerProblem(setup)
  }

  serving({ blueGreen }: StrategySpec, { workloads, services }: Observed): readonly Workload[] {
    const selector = services.get(blueGreen?.serviceName ?? '')?.selector ?? {}
    const found = workloads.filter((workload) => leadsTo(selector, workload))
    return found.length > 0 ? found : workloads
  }

  next(rollout: Rollout, seen: Observed): Step {
    const setup = setupOf(rollout.settings, seen, rollout)
    // Users have the version, and one of the sides is gone: nothing is left to do.
    if (setup instanceof NeedsChangeError) return rollout.switched ? done() : giveUp('ServiceChanged', setup.message)
    const parts = partsOf(rollout.settings)
    const changed = changedByHand(rollout, setup, parts)
    if (changed)
      return giveUp('ServiceChanged', `somebody has changed the Service ${changed.name}, which stays as it is now`)
    const { users, live, idle } = setup
    if (users.place === 'after') return afterSwitch(rollout, setup, parts, seen.now)

    const part = isAt(rollout, parts.switch) ? parts.switch : parts.preview
    const step = prepare(rollout, setup, rollout.deadlineOf(part), seen.now)
    if (step) return inPart(part, step)
    if (!rollout.verified) return inPart(parts.verify, verify())
    const change = pointTo(users.seen, users.after, [live, idle])
    return inPart(parts.switch, applyBy(rollout.deadlineOf(parts.switch), seen.now, change, `Service ${users.name}`))
  }

  back(rollout: Rollout, seen: Observed): BackStep {
    return back(rollout, seen)
  }
}

/** The Service that somebody else has changed since the rollout began. */
function changedByHand(rollout: Rollout, { users, preview }: Setup, parts: Parts): Pick<Pointer, 'name'> | undefined {
  const isEarly = users.place === 'after' && !isAt(rollout, parts.switch)
  const isBack = users.place === 'before' && rollout.switched
  if (users.place === 'elsewhere' || isEarly || isBack) return users
  return users.place === 'before' && preview?.place === 'elsewhere' ? preview : undefined
}

/** Brings the idle side up to what the live one is now. @returns undefined when it is ready to serve users */
function prepare(rollout: Rollout, setup: Setup, deadline: number, now: number): Step | undefined {
  const { live, idle, preview, autoscaler } = setup
  const { image } = rollout
  const health = () => patchAndWait(image, [idle], deadline, now)
  if (!idle.runs(image)) return health()
  const has = idle.replicas ?? 0
  // A person may have pointed users at a side without pods: that is no reason to take those of the other one away.
  const wanted = live.replicas || has
  // More pods than that are the business of an autoscaler.
  const replicas = autoscaler ? (has >= wanted ? has : Math.max(wanted, autoscaler.min)) : wanted
  const changes = [
    ...(replicas === has ? [] : [scale(idle, replicas)]),
    ...(preview?.place === 'before' ? pointTo(preview.seen, preview.after, []) : []),
  ]
  if (changes.length > 0) return applyBy(deadline, now, changes, `${idle.name} and the Service for verification`)
  return health() ?? untilReady(idle, preview?.seen, wanted, deadline, now)
}

/** Waits for ready endpoints, not for running pods (B31). */
function untilReady(
  side: Workload,
  service: SeenService | undefined,
  wanted: number,
  deadline: number,
  now: number,
): Step | undefined {
  const ready = readyOf(side, service)
  if (ready >= wanted) return undefined
  const through = service ? ` through the Service ${service.ref.name}` : ''
  const waitingFor = `${side.name}: ${ready} of ${wanted} pods are ready${through}`
  return now < deadline
    ? wait(waitingFor, deadline, [side])
    : fail('DeadlineExceeded', `still waiting at the deadline for ${waitingFor}`)
}

/** The version serves users. The old side keeps running for a while, so that going back takes one switch. */
function afterSwitch(
  rollout: Rollout,
  { live, idle, users }: Setup,
  { scaleDown, ...parts }: Parts,
  now: number,
): Step {
  const isLast = scaleDown !== undefined && isAt(rollout, scaleDown)
  const part = isLast ? scaleDown : parts.switch
  const deadline = rollout.deadlineOf(part)
  const step =
    patchAndWait(rollout.image, [idle], deadline, now) ??
    untilReady(idle, users.seen, idle.replicas ?? 0, deadline, now)
  if (step) return inPart(part, step)
  if (!scaleDown || live.replicas === 0) return done()
  const delaySeconds = rollout.settings.blueGreen?.scaleDownDelaySeconds ?? defaultScaleDownDelaySeconds
  const until = (isLast ? Date.parse(rollout.step?.since ?? '') : now) + delaySeconds * 1000
  if (now < until) return inPart(scaleDown, pause(`${live.name} keeps running until ${timestamp(until)}`, until))
  // If it cannot be scaled, that is no reason to take the version from users.
  return now < rollout.deadlineOf(scaleDown) ? inPart(scaleDown, apply([scale(live, 0)])) : done()
}
