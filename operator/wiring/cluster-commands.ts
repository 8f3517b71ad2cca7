/** Joins the commands that need a cluster with the cluster. */
import { hostname } from 'node:os'
import type { KubeConfig } from '@kubernetes/client-node'
import { group } from '../api/names.ts'
import type { ClusterCommands, NamedObject } from '../commands/commands.ts'
import { getVersions as get } from '../commands/get.ts'
import { convertCluster as convertObjects } from '../commands/migrate/cluster.ts'
import { move as moveObjects } from '../commands/migrate/move.ts'
import { contextNamespace } from '../commands/names.ts'
import { askToReconcile } from '../commands/object.ts'
import { status as showStatus } from '../commands/status/status.ts'
import { sync as syncOne } from '../commands/sync.ts'
import { wait as waitFor } from '../commands/wait/wait.ts'
import type { Settings } from '../config/settings.ts'
import { messageOf, NeedsChangeError, TransientError } from '../errors.ts'
import { ApiError, undefinedIfNotFound } from '../kubernetes/api-error.ts'
import type { ApiClient, ApiClientOptions } from '../kubernetes/client.ts'
import { MissingRights } from '../kubernetes/missing-rights.ts'
import { configMaps, resourcePath } from '../kubernetes/resource-path.ts'
import { inWords, type Right, refusedInWords } from '../kubernetes/right.ts'
import { type Connection, connect } from './connection.ts'
import { makeController } from './controller.ts'
import { Statsd } from './statsd.ts'

export { runOperator } from './operator.ts'

export const getVersions: ClusterCommands['getVersions'] = (settings, request) =>
  connected(settings, ({ client, kubeConfig }) => get(client, { ...request, own: contextNamespace(kubeConfig) }))

export const sync: ClusterCommands['sync'] = async (request) => {
  const { settings, namespace, name, once, log, provider, credentials } = request
  const rights = new MissingRights(log)
  const statsd = await Statsd.open(settings, (error) => log.debug({ error }, 'cannot send statsd'))
  const refused = new AbortController()
  const onMissingRight = (right: Right, client: ApiClient) => {
    rights.add(right, client)
    // Nothing can be rolled out without a status, and the right does not come while a CI job waits.
    if (once && right.group === group) refused.abort(new NeedsChangeError('RightMissing', inWords(right)))
  }
  const use = (connection: Connection) =>
    syncOne({ ...request, signal: AbortSignal.any([request.signal, refused.signal]) }, (onReconciled) =>
      makeController({
        ...connection,
        settings,
        identity: `${hostname()}_${process.pid}`,
        log,
        statsd,
        namespaces: [namespace],
        givesUp: once,
        only: `${namespace}/${name}`,
        provider,
        credentials,
        onReconciled,
      }),
    )
  try {
    const outcome = await connected(settings, use, onMissingRight)
    refused.signal.throwIfAborted()
    statsd?.check('crsync', true)
    return outcome
  } catch (thrown) {
    statsd?.check('crsync', false)
    throw thrown
  } finally {
    await statsd?.close()
    rights.stop()
  }
}

export const reconcile: ClusterCommands['reconcile'] = (settings, object) =>
  connected(settings, async ({ client, kubeConfig }) => {
    const {
      namespace,
      name,
      spec,
      reconcileRequest = '',
    } = await askToReconcile(client, inNamespace(kubeConfig, object), new Date().toISOString())
    const follows = spec.tag === undefined ? spec.imageRepo : `${spec.imageRepo}:${spec.tag}`
    return { namespace, name, request: reconcileRequest, follows }
  })

export const wait: ClusterCommands['wait'] = (settings, request) =>
  connected(settings, async ({ client, kubeConfig }) => {
    const { namespace, name, ...rest } = inNamespace(kubeConfig, request)
    return { namespace, name, ...(await waitFor(client, { ...rest, namespace, name })) }
  })

export const status: ClusterCommands['status'] = (settings, request) =>
  connected(settings, ({ client, kubeConfig }) => showStatus(client, inNamespace(kubeConfig, request)))

/** As kubectl: the namespace that is named, else that of the context, else `default`. */
const inNamespace = <T extends NamedObject>(kubeConfig: KubeConfig, object: T) => ({
  ...object,
  namespace: object.namespace ?? contextNamespace(kubeConfig),
})

export const convertCluster: ClusterCommands['convertCluster'] = (settings, namespace) =>
  connected(settings, ({ client }) => convertObjects(client, namespace).catch(asAdministrator))

export const move: ClusterCommands['move'] = (settings, request) =>
  connected(settings, ({ client }) => moveObjects(client, request).catch(asAdministrator))

/** What is missing is no right of the controller. */
function asAdministrator(thrown: unknown): never {
  if (!(thrown instanceof ApiError) || !thrown.right) throw thrown
  throw new ApiError(
    403,
    thrown.reason,
    `${refusedInWords(thrown.right)}; cvmanager migrate needs an administrator's rights`,
  )
}

export const configMapData: ClusterCommands['configMapData'] = (settings, namespace, name) =>
  connected(settings, async ({ client }) => {
    const path = resourcePath(configMaps, { namespace, name })
    const found = await client
      .get<{ readonly data?: Readonly<Record<string, string>> }>(path, { timeoutMs: 10_000 })
      .catch(undefinedIfNotFound)
    return found && (found.data ?? {})
  })

async function connected<T>(
  settings: Settings,
  use: (connection: Connection) => Promise<T>,
  onMissingRight?: ApiClientOptions['onMissingRight'],
): Promise<T> {
  const connection = connect(settings, undefined, onMissingRight)
  try {
    return await use(connection)
  } catch (thrown) {
    throw isWrongCluster(thrown)
      ? new Error(`${messageOf(thrown)}; ${whichCluster(connection)}`, { cause: thrown })
      : thrown
  } finally {
    await connection.client.close()
  }
}

/** The server does not answer, or does not know the user. */
const isWrongCluster = (thrown: unknown): boolean =>
  thrown instanceof ApiError
    ? thrown.status === 401
    : thrown instanceof TransientError && /^(ApiServer|Credentials)Unavailable$/.test(thrown.reason)

const whichCluster = ({ kubeConfig }: Connection): string =>
  `the cluster is that of context "${kubeConfig.getCurrentContext()}": check its server and its credentials, or choose another with --context or --kubeconfig`
