/** The names that a shell completes. */
import type { KubeConfig } from '@kubernetes/client-node'
import type { ApiClient } from '../kubernetes/client.ts'
import { resourcePath } from '../kubernetes/resource-path.ts'
import { containerVersions } from './object.ts'

/** More than anybody reads. */
const maxNames = 500

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string } }[]
}

/** @throws ApiError, TransientError */
export async function namesInCluster(
  client: Pick<ApiClient, 'get'>,
  where: { readonly namespace: string } | 'namespaces',
  signal: AbortSignal,
): Promise<readonly string[]> {
  const namespaces = { group: '', version: 'v1', plural: 'namespaces' }
  const path = where === 'namespaces' ? resourcePath(namespaces) : resourcePath(containerVersions, where)
  const { items } = await client.get<List>(path, { signal, query: { limit: String(maxNames) } })
  return items.map(({ metadata }) => metadata.name)
}

export const contextNamespace = (kubeConfig: KubeConfig): string =>
  kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace || 'default'
