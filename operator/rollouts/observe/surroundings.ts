import type { ContainerVersion } from '../../api/container-version.ts'
import type { StrategySpec } from '../../api/strategy.ts'
import { NeedsChangeError } from '../../errors.ts'
import { isForbidden } from '../../kubernetes/api-error.ts'
import { strategies } from '../strategies/strategies.ts'
import type { Observed, Read, Strategy } from '../strategies/strategy.ts'
import { noPods } from '../workloads/health.ts'
import type { Selected } from '../workloads/select.ts'
import { workload } from '../workloads/view.ts'
import type { Observation } from './observation.ts'
import type { Services } from './services.ts'

/** What the strategy of an object reads beside the workloads. */
export interface Surroundings extends Pick<Observation, 'services' | 'autoscalers' | 'problem'> {
  /** Whether the pods that are ready are counted, in a rollout. */
  readonly counts: boolean
  /** The UIDs of the workloads that serve users now; undefined: all. */
  readonly serving: ReadonlySet<string> | undefined
}

const nothing: Surroundings = { counts: false, serving: undefined, problem: undefined }

/**
 * Reads what the strategy of an object asks for. Nobody else costs a request: without a rollout, the watch of Services says
 * which workloads serve users. Before one starts, and while it lasts, the API server itself does.
 * @param offered the image that may be rolled out next
 * @throws ApiError, TransientError; but not if a right is missing
 */
export async function surroundingsOf(
  reader: Services,
  object: ContainerVersion,
  selected: readonly Selected[],
  offered: string | undefined,
  now: number,
): Promise<Surroundings> {
  const { key, namespace, spec, status } = object
  const frozen = status.rollout?.settings?.strategy
  const settings = [frozen ?? spec.strategy, spec.strategy].filter((one) => one !== undefined)
  const reads = settings.flatMap((one) => strategies[one.kind].reads?.(one) ?? [])
  const [strategy] = settings
  if (reads.length === 0 || strategy === undefined) return nothing
  const names = namesOf(reads)
  const seen = { namespace, workloads: selected.map((one) => preview(one, now)), autoscalers: new Map(), now }
  const serve = (services: Observed['services']) => servingOf(strategy, { ...seen, services })
  try {
    const watched = await reader.watched(key, namespace, names)
    const serving = serve(watched)
    const mayStart =
      names.some((name) => !watched.has(name)) ||
      seen.workloads.some((one) => serving?.has(one.ref.uid) && offered !== undefined && !one.runs(offered))
    if (!status.rollout && !mayStart) return { ...nothing, services: watched, serving }
    const [services, autoscalers] = await Promise.all([reader.fresh(namespace, names), reader.autoscalers(namespace)])
    return { counts: status.rollout !== undefined, services, autoscalers, serving: serve(services), problem: undefined }
  } catch (thrown) {
    if (!isForbidden(thrown)) throw thrown
    const message = `the strategy ${strategy.kind} needs a right that cvmanager does not have: ${thrown.message}`
    return { ...nothing, problem: new NeedsChangeError('RightMissing', message) }
  }
}

const namesOf = (reads: readonly Read[]): readonly string[] => [
  ...new Set(reads.flatMap((one) => (one.read === 'service' ? [one.name] : []))),
]

/** A workload without its pods, which say nothing about which Service leads to it. */
const preview = ({ object, containers }: Selected, now: number) =>
  workload(object, containers, noPods, { now, since: now })

function servingOf(settings: StrategySpec, seen: Observed): ReadonlySet<string> | undefined {
  const strategy: Strategy = strategies[settings.kind]
  const serving = strategy.serving?.(settings, seen)
  return serving && new Set(serving.map(({ ref }) => ref.uid))
}
