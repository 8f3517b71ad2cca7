/** The objects of early 2018 named a Deployment. A ContainerVersion selects workloads by their labels. */
import { isMap, type Json } from './fields.ts'

/** What a selector sees of a workload. */
export interface Labelled {
  readonly kind: string
  readonly name: string
  readonly namespace: string | undefined
  readonly labels: Readonly<Record<string, string>>
}

/** @param raw a manifest, or an object of the API server */
export function labelled({ kind, metadata }: Json): Labelled {
  const { name, namespace, labels } = isMap(metadata) ? metadata : {}
  return {
    kind: String(kind),
    name: String(name),
    namespace: typeof namespace === 'string' ? namespace : undefined,
    labels: isMap(labels) ? (labels as Record<string, string>) : {},
  }
}

/** Labels by which a selector finds it alone, or why there are none. */
export type Found = { readonly labels: Labelled['labels'] } | { readonly why: string }

/** They change with each release, so that no selector may have them. */
const changing = /(^|\/)(chart|version|heritage|managed-by)$/

/** Looks for a Deployment. No other workload of its namespace may have all of its labels. */
export function namedWorkload(name: string, namespace: string | undefined, workloads: readonly Labelled[]): Found {
  const neighbours = workloads.filter((one) => one.namespace === namespace)
  const found = neighbours.find((one) => one.kind === 'Deployment' && one.name === name)
  if (!found) return { why: `Deployment ${name} is not among the given objects` }
  const labels = Object.fromEntries(Object.entries(found.labels).filter(([key]) => !changing.test(key)))
  if (Object.keys(labels).length === 0) return { why: `Deployment ${name} has no labels` }
  const other = neighbours.find((one) => one !== found && hasAll(one.labels, labels))
  if (other) return { why: `${other.kind} ${other.name} has all labels of Deployment ${name} too` }
  return { labels }
}

const hasAll = (labels: Labelled['labels'], wanted: Labelled['labels']): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)
