/** The way back of ServiceBlueGreen. */
import { NeedsChangeError } from '../../../errors.ts'
import type { Change, Workload } from '../../workloads/workload.ts'
import { restoreImages } from '../restore.ts'
import { apply, type BackStep, done, type Observed, type Rollout, wait } from '../strategy.ts'
import { isAt, partsOf } from './parts.ts'
import { pointTo, readyOf, type Setup, scale, setupOf } from './setup.ts'
import { leadsTo } from './sides.ts'

/** Switches users back if the rollout has switched them, and then restores the other side. Never over a change by hand. */
export function back(rollout: Rollout, seen: Observed): BackStep {
  const setup = setupOf(rollout.settings, seen, rollout)
  const mayHaveSwitched = rollout.switched || isAt(rollout, partsOf(rollout.settings).switch)
  if (!(setup instanceof NeedsChangeError) && setup.users.place === 'after' && mayHaveSwitched)
    return switchBack(rollout, setup)

  const { serviceName = '', verificationServiceName = '' } = rollout.settings.blueGreen ?? {}
  const selectorOf = (name: string) => rollout.services.find((one) => one.name === name)?.selector ?? {}
  const now = seen.services.get(serviceName)?.selector ?? {}
  const targets = seen.workloads.filter((workload) => !leadsTo(selectorOf(serviceName), workload))
  const preview = seen.services.get(verificationServiceName)
  const before = selectorOf(verificationServiceName)
  const changes = [
    // A side that serves users keeps its pods, whoever has pointed the Service at it.
    ...targets.filter((target) => !leadsTo(now, target)).flatMap((target) => restored(rollout, target, seen)),
    ...(preview && targets.some((target) => leadsTo(preview.selector, target) && !leadsTo(before, target))
      ? pointTo(preview, before, [])
      : []),
  ]
  return changes.length > 0 ? apply(changes) : done()
}

/** One switch, as soon as users are better off on the old side. */
function switchBack({ workloads }: Rollout, { live, idle, users }: Setup): BackStep {
  const wanted = live.replicas || (workloads.find(({ uid }) => uid === live.ref.uid)?.replicas ?? 0)
  if (wanted !== live.replicas) return apply([scale(live, wanted)])
  const isBetter = readyOf(live) >= wanted || readyOf(live) > readyOf(idle, users.seen)
  return isBetter
    ? apply(pointTo(users.seen, users.before, [live, idle]))
    : wait(
        `${live.name}: ${readyOf(live)} of ${wanted} pods are ready to take the users back`,
        Number.POSITIVE_INFINITY,
      )
}

/** The changes that are left on a side. One after another: two at a time would be in conflict. */
function restored(rollout: Rollout, side: Workload, { autoscalers }: Observed): readonly Change[] {
  const replicas = rollout.workloads.find(({ uid }) => uid === side.ref.uid)?.replicas ?? side.replicas ?? 0
  const isLeft = replicas === side.replicas || (autoscalers.has(side.name) && replicas > 0)
  return isLeft ? restoreImages(rollout, [side]) : [scale(side, replicas)]
}
