/** Joins completion with the cluster. It loads no more than the client, because somebody waits who has pressed Tab. */
import type { NamesInCluster } from '../commands/commands.ts'
import { contextNamespace, namesInCluster } from '../commands/names.ts'
import { connect } from './connection.ts'

export const names: NamesInCluster = async (settings, of, namespace, signal) => {
  const { client, kubeConfig } = connect(settings)
  try {
    if (of === 'contexts') return kubeConfig.contexts.map(({ name }) => name)
    const where = of === 'namespaces' ? of : { namespace: namespace ?? contextNamespace(kubeConfig) }
    return await namesInCluster(client, where, signal)
  } finally {
    await client.close()
  }
}
