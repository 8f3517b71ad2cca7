/** The answer of the first cvmanager about a workload. It loads nothing, so that the command line may use it. */

/** One container of a managed workload, with the field names of the first cvmanager's JSON. */
export interface WorkloadVersion {
  readonly Namespace: string
  readonly Name: string
  readonly Type: string
  readonly Container: string
  readonly Version: string
  readonly AvailablePods: number
  readonly CV: string
  readonly Tag: string
  /** Not in the JSON. */
  readonly Digest?: string | undefined
}

/** The fields of the first cvmanager, in its order, and no others. */
export function fieldsOf2018(version: WorkloadVersion): Omit<WorkloadVersion, 'Digest'> {
  const { Namespace, Name, Type, Container, Version, AvailablePods, CV, Tag } = version
  return { Namespace, Name, Type, Container, Version, AvailablePods, CV, Tag }
}

/** As the first cvmanager has written one, to the byte: Go escapes the signs of HTML. */
export const jsonOf2018 = (version: WorkloadVersion): string =>
  JSON.stringify(fieldsOf2018(version)).replaceAll(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
