/** What must be installed for a list to be of use, though the API server answers without it. */
import { specFields, statusFields } from '../api/fields.ts'
import { apiVersion, group, plural } from '../api/names.ts'
import { NeedsChangeError } from '../errors.ts'
import { isNotFound } from './api-error.ts'
import type { ApiClient } from './client.ts'
import { resourcePath } from './resource-path.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

/** The OpenAPI document of the API group, which every authenticated account may read. */
interface Definition {
  readonly paths?: Readonly<Record<string, unknown>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

/**
 * Rejects if the CustomResourceDefinition is of an older version: the API server would drop what it does not know.
 * @throws NeedsChangeError `DefinitionOutdated`; ApiError, TransientError
 */
export async function definitionIsCurrent(client: ApiClient, signal: AbortSignal): Promise<void> {
  const { paths = {}, components } = await client.get<Definition>(`/openapi/v3/apis/${apiVersion}`, { signal })
  const schemas = Object.values(components?.schemas ?? {})
  const served = schemas.find(({ properties }) => properties?.spec && properties.status)?.properties
  const missing = [
    ...(Object.keys(paths).some((path) => path.endsWith('/status')) ? [] : ['subresource status']),
    ...specFields.filter((field) => !served?.spec?.properties?.[field]).map((field) => `spec.${field}`),
    ...statusFields.filter((field) => !served?.status?.properties?.[field]).map((field) => `status.${field}`),
  ]
  if (missing.length === 0) return
  throw new NeedsChangeError(
    'DefinitionOutdated',
    `the CustomResourceDefinition ${plural}.${group} is of another version: it has no ${missing.join(', ')}; apply that of this version: kubectl apply -f crds/`,
  )
}

/**
 * Rejects if there is no such namespace: a list of its objects is merely empty. Creates an event only as a dry run, which takes
 * no other right than those of `deploy/rbac.yaml`.
 * @throws NeedsChangeError `NamespaceNotFound`; ApiError, TransientError
 */
export async function namespaceExists(client: ApiClient, namespace: string, signal: AbortSignal): Promise<void> {
  const path = resourcePath({ group: '', version: 'v1', plural: 'events' }, { namespace })
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'cvmanager-', namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Namespace', name: namespace, namespace },
  }
  await client.create(path, event, { query: { dryRun: 'All' }, signal }).catch((thrown: unknown) => {
    if (!isNotFound(thrown)) throw thrown
    throw new NeedsChangeError(
      'NamespaceNotFound',
      `there is no namespace ${namespace}; create it (kubectl create namespace ${namespace}), or correct --watch-namespace`,
    )
  })
}
