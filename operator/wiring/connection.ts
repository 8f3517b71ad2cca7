import type { KubeConfig } from '@kubernetes/client-node'
import type { Settings } from '../config/settings.ts'
import type { Metrics } from '../http/metrics.ts'
import { ApiClient, type ApiClientOptions } from '../kubernetes/client.ts'
import { loadKubeConfig } from '../kubernetes/kube-config.ts'
import { version } from '../version.ts'

/** The connection to the API server. Whoever opens it closes the client. */
export interface Connection {
  readonly kubeConfig: KubeConfig
  readonly client: ApiClient
}

/**
 * @param onMissingRight as for an ApiClient
 * @throws UsageError if no cluster can be found
 */
export function connect(
  { k8sConfig, k8sContext }: Settings,
  metrics?: Metrics,
  onMissingRight?: ApiClientOptions['onMissingRight'],
): Connection {
  const load = () => loadKubeConfig({ file: k8sConfig || undefined, context: k8sContext || undefined })
  const kubeConfig = load()
  const count = (method: string, resource: string, status: number) => {
    metrics?.apiRequests.inc({ verb: method, resource, code: String(status) })
    if (method !== 'GET') metrics?.apiWrites.inc({ resource })
  }
  const client = new ApiClient({ kubeConfig, reload: load, version: version.version, onAnswer: count, onMissingRight })
  return { kubeConfig, client }
}
