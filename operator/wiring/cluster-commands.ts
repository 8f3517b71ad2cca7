/** Joins the commands that need a cluster with the cluster. */
import { hostname } from 'node:os'
import type { ClusterCommands } from '../commands/commands.ts'
import { getVersions as get } from '../commands/get.ts'
import { sync as syncOne } from '../commands/sync.ts'
import type { Settings } from '../config/settings.ts'
import { undefinedIfNotFound } from '../kubernetes/api-error.ts'
import { resourcePath } from '../kubernetes/resource-path.ts'
import { type Connection, connect } from './connection.ts'
import { makeController } from './controller.ts'

export { runOperator } from './operator.ts'

export const getVersions: ClusterCommands['getVersions'] = (settings, namespace) =>
  connected(settings, ({ client }) => get(client, namespace))

export const sync: ClusterCommands['sync'] = (request) =>
  connected(request.settings, (connection) => {
    const { settings, namespace, name, once, log, provider, credentials } = request
    return syncOne(request, (onReconciled) =>
      makeController({
        ...connection,
        settings,
        identity: `${hostname()}_${process.pid}`,
        log,
        namespaces: [namespace],
        givesUp: once,
        only: `${namespace}/${name}`,
        provider,
        credentials,
        onReconciled,
      }),
    )
  })

export const configMapData: ClusterCommands['configMapData'] = (settings, namespace, name) =>
  connected(settings, async ({ client }) => {
    const path = resourcePath({ group: '', version: 'v1', plural: 'configmaps' }, { namespace, name })
    const found = await client
      .get<{ readonly data?: Readonly<Record<string, string>> }>(path, { timeoutMs: 10_000 })
      .catch(undefinedIfNotFound)
    return found && (found.data ?? {})
  })

async function connected<T>(settings: Settings, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = connect(settings)
  try {
    return await use(connection)
  } finally {
    await connection.client.close()
  }
}
