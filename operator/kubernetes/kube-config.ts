/** The kubeconfig: which cluster, and which account. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { messageOf, UsageError } from '../errors.ts'

export interface KubeConfigSource {
  /** `--k8s-config`; without it, the account of our pod. */
  readonly file?: string | undefined
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /** The root directory of a pod's files, for tests. */
  readonly root?: string | undefined
}

const tokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** @throws UsageError if there is no usable configuration */
export function loadKubeConfig({ file, environment = process.env, root = '' }: KubeConfigSource = {}): KubeConfig {
  return file === undefined ? inCluster(environment, root) : fromFile(file)
}

function inCluster(environment: Readonly<Record<string, string | undefined>>, root: string): KubeConfig {
  if (!environment.KUBERNETES_SERVICE_HOST || !existsSync(root + tokenFile)) {
    throw new UsageError('not running in a cluster: name one with --k8s-config FILE')
  }
  const config = new KubeConfig()
  config.loadFromCluster(root)
  return config
}

function fromFile(file: string): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromFile(file)
    config.clusters = config.clusters.map(allowPlainHttp)
    const users = tokenFiles(file)
    config.users = config.users.map((user) => withTokenFile(user, users.get(user.name)))
  } catch (cause) {
    throw new UsageError(`--k8s-config ${file}: cannot read it (${messageOf(cause)})`, { cause })
  }
  const context = config.getContextObject(config.currentContext)
  if (!context) {
    throw new UsageError(
      `--k8s-config ${file}: current-context "${config.currentContext ?? ''}" is not among its contexts`,
    )
  }
  const { server } = config.getCurrentCluster() ?? {}
  if (!server || !URL.canParse(server)) {
    throw new UsageError(`--k8s-config ${file}: the cluster "${context.cluster}" has no server address`)
  }
  return config
}

/** As kubectl does. client-node refuses http:// unless it may skip TLS verification. */
function allowPlainHttp(cluster: Cluster): Cluster {
  return cluster.server?.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster
}

/** client-node does not know the field `tokenFile` of a kubeconfig's user. */
function tokenFiles(file: string): Map<string, string> {
  const { users } = (parse(readFileSync(file, 'utf8')) ?? {}) as {
    users?: { name: string; user?: { tokenFile?: string } }[]
  }
  const found = (users ?? []).flatMap(({ name, user }) => (user?.tokenFile ? [[name, user.tokenFile] as const] : []))
  return new Map(found.map(([name, path]) => [name, resolve(dirname(file), path)]))
}

function withTokenFile(user: User, path: string | undefined): User {
  if (path === undefined) return user
  return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile: path } } }
}
