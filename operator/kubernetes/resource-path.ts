/** The paths of the API server. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
}

/** Those that more than one place reads or writes. */
export const pods: Resource = { group: '', version: 'v1', plural: 'pods' }
export const services: Resource = { group: '', version: 'v1', plural: 'services' }
export const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps' }

export interface ObjectPath {
  /** Absent: all namespaces, or a cluster-scoped resource. */
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  /** `status`, `scale`, … */
  readonly subresource?: string | undefined
}

export function resourcePath(
  { group, version, plural }: Resource,
  { namespace, name, subresource }: ObjectPath = {},
): string {
  const segments = group === '' ? ['api', version] : ['apis', group, version]
  if (namespace !== undefined) segments.push('namespaces', namespace)
  segments.push(plural)
  if (name !== undefined) segments.push(name)
  if (subresource !== undefined) segments.push(subresource)
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('')
}

/** The resource and subresource of a path, by which metrics distinguish requests: `deployments`, `deployments/status`. */
export function resourceOf(path: string): string {
  const [resource = '', , subresource] = segmentsOf(path)
  return subresource === undefined ? resource : `${resource}/${subresource}`
}

/** The name of the object in a path; undefined in that of a list. */
export function nameOf(path: string): string | undefined {
  const name = segmentsOf(path)[1]
  return name === undefined ? undefined : decodeURIComponent(name)
}

/** Resource, name and subresource. */
function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/').slice(1)
  if (segments[0] !== 'api' && segments[0] !== 'apis') return segments.slice(0, 1)
  const rest = segments.slice(segments[0] === 'api' ? 2 : 3)
  return rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
}
