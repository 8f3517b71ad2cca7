import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { type AuditEvent, type AuditFilter, AuditLog, defaultAuditPolicy } from './audit.ts'
import { ControlPlane } from './control-plane.ts'
import type { ApiAnswer } from './kube-api.ts'
import type { RunningProgram } from './processes.ts'
import { toolPath } from './tools.ts'
import { until } from './until.ts'
import { makeWorkDirectory, removeWorkDirectory } from './work-directory.ts'

export interface ClusterOptions {
  /** Default 1. */
  readonly nodes?: number
  readonly auditPolicy?: object
  readonly apiServerFlags?: readonly string[]
}

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** Starts a real Kubernetes control plane. Its nodes and pods are simulated, as pod-marks.ts describes. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const directory = await makeWorkDirectory('cluster')
  try {
    const plane = await ControlPlane.start({
      directory,
      auditPolicy: options.auditPolicy ?? defaultAuditPolicy,
      apiServerFlags: options.apiServerFlags ?? [],
    })
    const cluster = new Cluster(directory, plane, await plane.componentKubeconfig('admin'))
    try {
      await cluster.addNodes(options.nodes ?? 1)
      await cluster.awaitServiceAccount('default')
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  } catch (error) {
    await removeWorkDirectory(directory)
    throw error
  }
}

export class Cluster {
  /** The administrator's kubeconfig. */
  readonly kubeconfig: string
  /** Has the logs of all programs and the audit log. `stop` removes it. */
  readonly directory: string
  readonly #plane: ControlPlane
  readonly #audit: AuditLog
  #nodes = 0

  constructor(directory: string, plane: ControlPlane, kubeconfig: string) {
    this.directory = directory
    this.kubeconfig = kubeconfig
    this.#plane = plane
    this.#audit = new AuditLog(plane.auditLogFile)
  }

  /** `https://127.0.0.1:<port>`. It stays the same until `stop`. */
  get server(): string {
    return this.#plane.server
  }

  get processes(): readonly RunningProgram[] {
    return this.#plane.processes
  }

  /** Runs kubectl as administrator and returns its output. */
  async kubectl(...args: string[]): Promise<string> {
    return this.#kubectl(args)
  }

  async kubectlJson<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    return JSON.parse(await this.#kubectl([...args, '-o', 'json'])) as T
  }

  /** Runs `kubectl apply` for these objects, as one list. */
  async apply(...objects: readonly KubernetesObject[]): Promise<void> {
    await this.#kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
  }

  /** Runs `kubectl apply` for the text of a manifest with one or more documents. */
  async applyText(manifest: string, ...flags: readonly string[]): Promise<void> {
    await this.#kubectl(['apply', ...flags, '-f', '-'], manifest)
  }

  /** Waits until a CRD is served. `kubectl wait` fails if a new CRD has no conditions yet. */
  async established(crd: string): Promise<void> {
    await until(`${crd} to be established`, async () => {
      const { status } = await this.kubectlJson<{
        readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
      }>('get', 'crd', crd)
      return status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
    })
  }

  /** Runs helm as administrator and returns its output. */
  async helm(...args: string[]): Promise<string> {
    return this.#run('helm', args)
  }

  /** Sends a plain request as administrator, without kubectl. */
  async request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<ApiAnswer> {
    return this.#plane.api.request(method, path, body)
  }

  /** Creates a namespace and waits until pods can be created in it. */
  async namespace(name: string): Promise<string> {
    await this.#plane.api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    await this.awaitServiceAccount(name)
    return name
  }

  /** Creates the service account if it is missing, and writes a kubeconfig with a token for it. */
  async serviceAccountKubeconfig(namespace: string, name: string): Promise<string> {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
    if (!(await this.#plane.api.exists(`${accounts}/${name}`))) {
      await this.#plane.api.create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })
    }
    const { status } = await this.#plane.api.create<{ status: { token: string } }>(`${accounts}/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    })
    return this.#plane.kubeconfig(`${namespace}.${name}.kubeconfig`, name, status.token, namespace)
  }

  /** Returns the requests of clients so far, oldest first, with one event for each request. */
  async auditLog(filter: AuditFilter = {}): Promise<AuditEvent[]> {
    return this.#audit.events(filter)
  }

  async addNodes(count: number): Promise<void> {
    const first = this.#nodes
    this.#nodes += count
    for (let index = first; index < first + count; index++) {
      const name = `node-${index}`
      await this.#plane.api.create('/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
      })
    }
  }

  async stopApiServer(signal?: NodeJS.Signals): Promise<void> {
    await this.#plane.stopApiServer(signal)
  }

  /** Starts it at the same address with the same data, and waits until it is ready. */
  async startApiServer(): Promise<void> {
    await this.#plane.startApiServer()
  }

  async restartApiServer(signal?: NodeJS.Signals): Promise<void> {
    await this.stopApiServer(signal)
    await this.startApiServer()
  }

  /** A namespace takes no pods until its default service account exists. */
  async awaitServiceAccount(namespace: string): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`
    await until(`the default service account of namespace ${namespace}`, () => this.#plane.api.exists(path), 30_000)
  }

  async stop(): Promise<void> {
    await this.#plane.stop()
    await removeWorkDirectory(this.directory)
  }

  #kubectl(args: readonly string[], input?: string): Promise<string> {
    return this.#run('kubectl', args, input)
  }

  async #run(program: 'kubectl' | 'helm', args: readonly string[], input?: string): Promise<string> {
    const env = { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.directory }
    const child = spawn(toolPath(program), args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    child.stdin.on('error', () => undefined).end(input)
    const [status, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    if (status === 0) return output
    throw new Error(`"${program} ${args.join(' ')}" ended with status ${status}: ${errors.trim()}`)
  }
}
