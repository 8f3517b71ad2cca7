/** The kubeconfig: which cluster, and which account. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { nearest } from '../config/nearest.ts'
import { messageOf, UsageError } from '../errors.ts'
import { withCommandOf, withExecInfo } from './exec-plugin.ts'

export interface KubeConfigSource {
  /** `--k8s-config`. */
  readonly file?: string | undefined
  /** `--context`, instead of the current context. */
  readonly context?: string | undefined
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /** The root directory of a pod's files, for tests. */
  readonly root?: string | undefined
}

const tokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * The file that is named. Without one, in a pod its service account, unless a context is named; kubectl would prefer a
 * $KUBECONFIG there, but cvmanager must not move to another cluster because a variable is set. Elsewhere the files that
 * kubectl reads.
 * @throws UsageError if there is no usable configuration
 */
export function loadKubeConfig({
  file,
  context,
  environment = process.env,
  root = '',
}: KubeConfigSource = {}): KubeConfig {
  if (file !== undefined) return fromFiles(`--k8s-config ${file}`, [file], context)
  if (context === undefined && environment.KUBERNETES_SERVICE_HOST && existsSync(root + tokenFile)) {
    const config = new KubeConfig()
    config.loadFromCluster(root)
    return config
  }
  const { KUBECONFIG = '', HOME = '' } = environment
  if (KUBECONFIG !== '') {
    const named = KUBECONFIG.split(delimiter).filter((path) => path !== '')
    // As kubectl does, so that a variable may name files of other machines too.
    const existing = named.filter((path) => existsSync(path))
    if (existing.length > 0) return fromFiles(`$KUBECONFIG ${KUBECONFIG}`, existing, context)
    throw new UsageError(
      `$KUBECONFIG ${KUBECONFIG}: there is no such file; correct the variable, or name a kubeconfig with --k8s-config FILE`,
    )
  }
  const ofUser = join(HOME, '.kube', 'config')
  if (HOME !== '' && existsSync(ofUser)) return fromFiles(ofUser, [ofUser], context)
  throw new UsageError(
    `no cluster is named: this is no pod with a service account, $KUBECONFIG is not set, and there is no ${ofUser}; name a kubeconfig with --k8s-config FILE`,
  )
}

/** If several files have an entry of one name, the first counts, as for kubectl. */
function fromFiles(source: string, files: readonly string[], context: string | undefined): KubeConfig {
  const parts = files.map((file) => {
    try {
      return readConfig(file)
    } catch (cause) {
      // The further lines of a parser quote the file.
      const [why] = messageOf(cause).split('\n')
      const where = source.endsWith(` ${file}`) || source === file ? 'it' : file
      throw new UsageError(
        `${source}: cannot read ${where} (${why}); correct the file, or name another one with --k8s-config`,
        {
          cause,
        },
      )
    }
  })
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: firstOfEachName(parts.flatMap(({ clusters }) => clusters)),
    users: firstOfEachName(parts.flatMap(({ users }) => users)),
    contexts: firstOfEachName(parts.flatMap(({ contexts }) => contexts)),
    currentContext: context ?? parts.map((part) => part.currentContext).find(Boolean),
  })
  check(config, source, context)
  const cluster = config.getCurrentCluster()
  if (cluster) config.users = config.users.map((user) => withExecInfo(user, cluster))
  return config
}

function readConfig(file: string): KubeConfig {
  const text = readFileSync(file, 'utf8')
  const parsed: unknown = parse(text)
  const config = new KubeConfig()
  if (typeof parsed !== 'object' || parsed === null) throw new Error('it is empty, or no YAML object')
  config.loadFromFile(file)
  const tokens = tokenFiles(parsed, file)
  config.clusters = config.clusters.map(allowPlainHttp)
  config.users = config.users.map((user) => withCommandOf(withTokenFile(user, tokens.get(user.name)), file))
  return config
}

const firstOfEachName = <T extends { readonly name: string }>(entries: readonly T[]): T[] =>
  entries.filter(({ name }, index) => entries.findIndex((entry) => entry.name === name) === index)

/** @throws UsageError for what kubectl refuses before its first request, too */
function check(config: KubeConfig, source: string, wanted: string | undefined): void {
  const { currentContext } = config
  const names = config.contexts.map(({ name }) => name)
  const choices = names.length === 0 ? 'there are none' : `there is: ${names.join(', ')}`
  const context = config.getContextObject(currentContext)
  if (!context && wanted !== undefined) {
    const meant = nearest(wanted, names)
    throw new UsageError(
      `--context ${wanted}: there is no such context in ${source.replace(/^--k8s-config /, '')}; ${choices}${meant ? `; did you mean ${meant}?` : ''}`,
    )
  }
  if (!context) {
    const which = currentContext
      ? `current-context "${currentContext}" is not among its contexts`
      : 'it has no current-context'
    throw new UsageError(`${source}: ${which}; choose a context with --context; ${choices}`)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster?.server || !URL.canParse(cluster.server)) {
    throw new UsageError(
      `${source}: the cluster "${context.cluster}" of context "${context.name}" has no server address`,
    )
  }
  const user = config.getCurrentUser()
  if (context.user && !user) {
    throw new UsageError(`${source}: the user "${context.user}" of context "${context.name}" is not among its users`)
  }
  const files = {
    'certificate-authority': cluster.caFile,
    'client-certificate': user?.certFile,
    'client-key': user?.keyFile,
    tokenFile: user?.authProvider?.config?.tokenFile as string | undefined,
  }
  for (const [field, path] of Object.entries(files)) {
    try {
      if (path) accessSync(path, constants.R_OK)
    } catch (cause) {
      throw new UsageError(`${source}: cannot read the ${field} of context "${context.name}" (${messageOf(cause)})`, {
        cause,
      })
    }
  }
}

/** As kubectl does. client-node refuses http:// unless it may skip TLS verification. */
function allowPlainHttp(cluster: Cluster): Cluster {
  return cluster.server?.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster
}

/** client-node does not know the field `tokenFile` of a kubeconfig's user. */
function tokenFiles(config: object, file: string): Map<string, string> {
  const { users } = config as { users?: { name: string; user?: { tokenFile?: string } }[] }
  const found = (users ?? []).flatMap(({ name, user }) => (user?.tokenFile ? [[name, user.tokenFile] as const] : []))
  return new Map(found.map(([name, path]) => [name, resolve(dirname(file), path)]))
}

function withTokenFile(user: User, path: string | undefined): User {
  if (path === undefined) return user
  return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile: path } } }
}
