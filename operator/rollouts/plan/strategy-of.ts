/** How `plan` asks a strategy: with the settings that the rollout began with, and what the strategy may see. */
import { defaultTimeoutSeconds } from '../../api/names.ts'
import type { RolloutSettings, RolloutStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { Observation } from '../observe/observation.ts'
import { strategies } from '../strategies/strategies.ts'
import type { Observed, Part, Rollout, Strategy } from '../strategies/strategy.ts'
import { havePassed } from './checks.ts'

/** A rollout that starts now goes by these settings, whatever the spec says later. */
export function settingsOf({ timeoutSeconds, strategy, container }: ContainerVersionSpec): RolloutSettings {
  return {
    timeoutSeconds: timeoutSeconds ?? defaultTimeoutSeconds,
    strategy: strategy ?? { kind: 'Simple' },
    verify: container?.verify ?? [],
  }
}

/** The settings of a rollout in progress. One of an earlier release goes by the spec. */
export function frozenSettings({ settings }: RolloutStatus, { object }: Pick<Observation, 'object'>): RolloutSettings {
  return settings ?? settingsOf(object.spec)
}

export const strategyOf = ({ strategy }: RolloutSettings): Strategy => strategies[strategy.kind]

/** A strategy does not see what nobody can change: the gate WorkloadImmutable waits for it. */
export function observedOf(observation: Observation): Observed {
  const { object, services = new Map(), autoscalers = new Map(), now } = observation
  const workloads = observation.workloads.filter(({ rolls }) => rolls !== 'Never')
  return { namespace: object.namespace, workloads, services, autoscalers, now }
}

/** A rollout as its strategy sees it. */
export function rolloutOf(rollout: RolloutStatus, settings: RolloutSettings, now: number): Rollout {
  const { image, step, workloads, replaced = [], services = [] } = rollout
  return {
    image,
    settings: settings.strategy,
    deadlineOf: (part) => deadlineOf(rollout, settings, part, now),
    step,
    verified: havePassed(rollout, 'strategy'),
    switched: rollout.switchTime !== undefined,
    workloads,
    replaced,
    services,
  }
}

/** Each part has the whole timeout, from when it begins. */
function deadlineOf({ step, deadline }: RolloutStatus, settings: RolloutSettings, part: Part, now: number): number {
  return part.index <= (step?.index ?? 1) ? Date.parse(deadline) : now + settings.timeoutSeconds * 1000
}
