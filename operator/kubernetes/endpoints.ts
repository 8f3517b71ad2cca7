import type { V1Endpoint, V1EndpointSlice } from '@kubernetes/client-node'
import type { ApiClient } from './client.ts'
import { resourcePath } from './resource-path.ts'

const endpointSlices = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' } as const

/** The endpoints of a Service. A pod with addresses of two families has two. @throws ApiError, TransientError */
export async function endpointsOf(
  client: Pick<ApiClient, 'get'>,
  namespace: string,
  service: string,
): Promise<readonly V1Endpoint[]> {
  const path = resourcePath(endpointSlices, { namespace })
  const query = { labelSelector: `kubernetes.io/service-name=${service}` }
  const { items } = await client.get<{ items: readonly V1EndpointSlice[] }>(path, { query })
  return items.flatMap(({ endpoints }) => endpoints ?? [])
}

/** Unknown counts as ready (k8s.io/api/discovery/v1, EndpointConditions). */
export const isReady = ({ conditions }: V1Endpoint): boolean =>
  conditions?.ready !== false && conditions?.terminating !== true
