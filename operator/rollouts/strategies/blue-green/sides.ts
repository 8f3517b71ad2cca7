/** Which of two Deployments a Service leads users to, and how its selector leads to the other one. */
import { isDeepStrictEqual } from 'node:util'
import { NeedsChangeError } from '../../../errors.ts'
import type { Labels, Workload } from '../../workloads/workload.ts'
import type { SeenService } from '../strategy.ts'

export interface Sides {
  /** The one that the Service selects. */
  readonly live: Workload
  readonly idle: Workload
  /** The labels that tell the two apart. */
  readonly keys: readonly string[]
}

/** Where a Service leads: as before the rollout, to the idle side, or where somebody else has pointed it. */
export type Place = 'before' | 'after' | 'elsewhere'

/** Whether a Service with this selector leads to the pods of a workload. One without a selector leads to none (B34). */
export function leadsTo(selector: Labels, { podLabels }: Pick<Workload, 'podLabels'>): boolean {
  const labels = Object.entries(selector)
  return labels.length > 0 && labels.every(([key, value]) => podLabels[key] === value)
}

/** The selector that leads to this side. */
export function pointedAt(selector: Labels, keys: readonly string[], { podLabels }: Workload): Labels {
  return { ...selector, ...Object.fromEntries(keys.map((key) => [key, podLabels[key] ?? ''])) }
}

/** @param known the Service as it was before the rollout */
export function placeOf(
  known: { readonly uid: string; readonly selector: Labels },
  now: SeenService | undefined,
  after: Labels,
): Place {
  if (now?.ref.uid !== known.uid) return 'elsewhere'
  if (isDeepStrictEqual(now.selector, after)) return 'after'
  return isDeepStrictEqual(now.selector, known.selector) ? 'before' : 'elsewhere'
}

/**
 * Finds the two sides by the selector of the Service.
 * @param service its name, for messages
 * @param labelNames the labels that tell the sides apart; none: those of the selector in which the templates differ
 * @returns the sides, or what to write so that there are two
 */
export function sidesOf(
  service: string,
  selector: Labels,
  workloads: readonly Workload[],
  labelNames: readonly string[] | undefined,
): Sides | NeedsChangeError {
  const [one, other, ...more] = workloads
  if (!one || !other || more.length > 0 || workloads.some(({ ref }) => ref.kind !== 'Deployment'))
    return new NeedsChangeError(
      'NotTwoDeployments',
      `ServiceBlueGreen needs exactly two Deployments, and spec.selector finds ${namesOf(workloads)}: give two Deployments the labels of spec.selector, and nothing else`,
    )
  const keys = labelNames?.length
    ? labelNames
    : Object.keys(selector).filter((key) => one.podLabels[key] !== other.podLabels[key])
  for (const key of keys) {
    const without = workloads.find(({ podLabels }) => podLabels[key] === undefined)
    if (without) return missingLabel(without, key)
  }
  const [live, ...others] = workloads.filter((workload) => leadsTo(selector, workload))
  if (!live || others.length > 0) return noLiveSide(service, selector, workloads, keys, others.length > 0)
  const idle = live === one ? other : one
  const same = Object.keys(selector).find((key) => !keys.includes(key) && idle.podLabels[key] !== selector[key])
  if (same !== undefined)
    return new NeedsChangeError(
      'LabelMissing',
      `the Service ${service} selects by the label ${same}, which ${idle.name} does not have with that value in its pod template: add ${same} to spec.strategy.blueGreen.labelNames, or give both Deployments the same`,
    )
  return { live, idle, keys }
}

const namesOf = (workloads: readonly Workload[]): string => workloads.map(({ name }) => name).join(', ') || 'none'

function missingLabel({ name, ref }: Workload, key: string): NeedsChangeError {
  return new NeedsChangeError(
    'LabelMissing',
    `the pod template of ${name} has no label ${key}, which tells the two sides apart. Add it under spec.template.metadata.labels of ${ref.namespace}/${ref.name}, or name other labels in spec.strategy.blueGreen.labelNames`,
  )
}

function noLiveSide(
  service: string,
  selector: Labels,
  workloads: readonly Workload[],
  keys: readonly string[],
  both: boolean,
): NeedsChangeError {
  const { ref, podLabels } = workloads[0] as Workload
  const found = Object.keys(selector).length === 0 ? 'has no selector' : `selects ${both ? 'both' : 'none'} of them`
  const distinct = Object.keys(podLabels).filter((key) => podLabels[key] !== workloads[1]?.podLabels[key])
  const label = keys[0] ?? distinct[0]
  const say =
    label === undefined
      ? 'give their pod templates a label in which they differ, e.g. color, and put it into the selector of the Service'
      : `add it with kubectl patch service ${service} -n ${ref.namespace} -p '${JSON.stringify({ spec: { selector: { [label]: podLabels[label] ?? '…' } } })}' for ${ref.name}, for example`
  return new NeedsChangeError(
    'NoLiveSide',
    `the Service ${service} must select the pods of exactly one of ${namesOf(workloads)}, and it ${found}: ${say}`,
  )
}
