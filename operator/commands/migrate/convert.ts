/** One ContainerVersion or KCD of the group custom.k8s.io as a ContainerVersion of cvmanager.io. Pure. */
import { apiVersion, kind } from '../../api/names.ts'
import { convertSpec } from './convert-spec.ts'
import { Fields, isMap, type Json, Report } from './fields.ts'
import { type Labelled, namedWorkload } from './named-workload.ts'

export const oldGroup = 'custom.k8s.io'
const oldKinds = ['ContainerVersion', 'KCD'] as const

export interface NewObject {
  readonly apiVersion: typeof apiVersion
  readonly kind: typeof kind
  readonly metadata: Json & { readonly name: string; readonly namespace?: string }
  readonly spec: Json
}

export interface Converted {
  readonly object: NewObject
  /** What has changed, each in one line, with the path of the field. */
  readonly notes: readonly string[]
}

/** It cannot be converted as it is. */
export class NotConvertibleError extends Error {
  override readonly name = 'NotConvertibleError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

export function isOld(value: unknown): value is Json {
  if (!isMap(value)) return false
  const { apiVersion, kind } = value
  return String(apiVersion).startsWith(`${oldGroup}/`) && oldKinds.some((old) => old === kind)
}

/**
 * @param workloads among which an object of early 2018 finds the Deployment that it names
 * @throws NotConvertibleError
 */
export function convert(old: Json, workloads: readonly Labelled[]): Converted {
  const report = new Report()
  report.notes.push(`apiVersion ${old.apiVersion}, kind ${old.kind}: ${apiVersion}, ${kind} now`)
  const { metadata, name, namespace } = convertMetadata(old, report)
  if (!isMap(old.spec)) report.problems.push('spec is missing; write at least imageRepo, tag and selector')
  const find = (deployment: string) => namedWorkload(deployment, namespace, workloads)
  const spec = isMap(old.spec) ? convertSpec(new Fields('spec', old.spec, report), find) : {}
  if (old.status !== undefined) report.notes.push('status is left out: cvmanager writes its own')
  if (report.problems.length > 0) throw new NotConvertibleError(report.problems)
  return {
    object: { apiVersion, kind, metadata: { ...metadata, name }, spec },
    notes: report.notes,
  }
}

/** What the API server or kubectl has written, and what would be wrong about a new object. */
const ofServer = [
  ...['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'selfLink', 'managedFields', 'clusterName'],
  ...['initializers', 'ownerReferences', 'finalizers'],
]
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

function convertMetadata({ metadata }: Json, report: Report) {
  const given = isMap(metadata) ? metadata : {}
  const { name } = given
  if (typeof name !== 'string' || name === '') report.problems.push('metadata.name is missing; write one')
  const kept = Object.fromEntries(Object.entries(given).filter(([field]) => !ofServer.includes(field)))
  if (isMap(kept.annotations)) {
    const { [lastApplied]: _, ...annotations } = kept.annotations
    if (Object.keys(annotations).length > 0) kept.annotations = annotations
    else delete kept.annotations
  }
  const namespace = typeof given.namespace === 'string' ? given.namespace : undefined
  return { metadata: kept, name: String(name), namespace }
}
