import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Identity, type IdentityFiles, writeIdentities, writeKubeconfig } from './identities.ts'
import { KubeApi } from './kube-api.ts'
import { stages } from './kwok-stages.ts'
import { serviceRange } from './own-network.ts'
import { freePort } from './ports.ts'
import { RunningProgram } from './processes.ts'
import { toolPath } from './tools.ts'
import { until } from './until.ts'

type Component = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok'

export interface ControlPlaneSettings {
  readonly directory: string
  readonly auditPolicy: object
  /** Additional flags for the API server, for example `--feature-gates=…`. */
  readonly apiServerFlags: readonly string[]
}

/** Twenty times what it takes, for machines with far more to do than they can. */
const START_TIMEOUT_MS = 120_000

/**
 * Runs etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok, which simulates the nodes, as child processes.
 * kwokctl could start them too, but as daemons that outlive a killed test and listen on the network.
 */
export class ControlPlane {
  readonly server: string
  readonly #settings: ControlPlaneSettings
  readonly #identities: IdentityFiles
  readonly #apiPort: number
  readonly #etcdPort: number
  readonly #running = new Map<Component, RunningProgram>()
  #authority = ''
  #api: KubeApi | undefined

  private constructor(settings: ControlPlaneSettings, identities: IdentityFiles, apiPort: number, etcdPort: number) {
    this.#settings = settings
    this.#identities = identities
    this.#apiPort = apiPort
    this.#etcdPort = etcdPort
    this.server = `https://127.0.0.1:${apiPort}`
  }

  static async start(settings: ControlPlaneSettings): Promise<ControlPlane> {
    const identities = await writeIdentities(settings.directory)
    await writeFile(join(settings.directory, 'audit-policy.yaml'), stringify(settings.auditPolicy))
    await writeFile(join(settings.directory, 'kwok.yaml'), stages.map((one) => stringify(one)).join('---\n'))
    const plane = new ControlPlane(settings, identities, await freePort(), await freePort())
    try {
      await plane.#startEtcd()
      await plane.startApiServer()
      await Promise.all([plane.#startControllers(), plane.#startScheduler(), plane.#startKwok()])
      return plane
    } catch (error) {
      await plane.stop()
      throw error
    }
  }

  get auditLogFile(): string {
    return join(this.#settings.directory, 'audit.log')
  }

  get api(): KubeApi {
    if (!this.#api) throw new Error('The API server has not been started yet')
    return this.#api
  }

  get processes(): readonly RunningProgram[] {
    return [...this.#running.values()]
  }

  async startApiServer(): Promise<void> {
    const { directory, apiServerFlags } = this.#settings
    const file = (name: string) => join(directory, name)
    const key = this.#identities.serviceAccountKey
    const program = this.#start('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${this.#etcdPort}`,
      `--secure-port=${this.#apiPort}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      // The API server writes its self-signed certificate here. Clients trust exactly that one.
      `--cert-dir=${file('apiserver')}`,
      '--authorization-mode=RBAC',
      `--token-auth-file=${this.#identities.tokenFile}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      `--service-cluster-ip-range=${serviceRange()}`,
      '--allow-privileged=true',
      // The names of the nodes are known to no resolver.
      '--kubelet-preferred-address-types=InternalIP',
      // Nodes are ready as soon as they exist, so the taint would only delay their first pods.
      '--disable-admission-plugins=TaintNodesByCondition',
      `--audit-policy-file=${file('audit-policy.yaml')}`,
      `--audit-log-path=${this.auditLogFile}`,
      // In megabytes. Tests count what is in the log, so it must never rotate.
      '--audit-log-maxsize=65536',
      ...apiServerFlags,
    ])
    const certificate = file('apiserver/apiserver.crt')
    await until(
      'the API server to become ready',
      async () => {
        if (!program.running) return 'ended'
        await this.#trust(await readFile(certificate, 'utf8'))
        const { status, body } = await this.api.request('GET', '/readyz?verbose')
        if (status !== 200) throw new Error(String(body))
        return 'ready'
      },
      START_TIMEOUT_MS,
    )
    await program.assertRunning()
  }

  /** Kills it by default, as in a crash. */
  async stopApiServer(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#running.get('kube-apiserver')?.stop(signal)
  }

  /** Writes a kubeconfig file into the working directory. */
  async kubeconfig(file: string, user: string, token: string, namespace?: string): Promise<string> {
    return writeKubeconfig({
      path: join(this.#settings.directory, file),
      server: this.server,
      certificateAuthority: this.#authority,
      user,
      token,
      ...(namespace ? { namespace } : {}),
    })
  }

  async componentKubeconfig(identity: Identity): Promise<string> {
    return this.kubeconfig(`${identity}.kubeconfig`, identity, this.#identities.tokens[identity])
  }

  async stop(): Promise<void> {
    await this.#api?.close()
    await Promise.all(this.processes.map((program) => program.stop()))
  }

  /** The API server may still be writing its certificate when it is read first. */
  async #trust(authority: string): Promise<void> {
    if (authority === this.#authority) return
    await this.#api?.close()
    this.#authority = authority
    this.#api = new KubeApi(this.server, this.#identities.tokens.admin, authority)
  }

  async #startEtcd(): Promise<void> {
    const client = `http://127.0.0.1:${this.#etcdPort}`
    const peer = `http://127.0.0.1:${await freePort()}`
    this.#start('etcd', [
      '--name=e2e',
      `--data-dir=${join(this.#settings.directory, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=e2e=${peer}`,
      // This data does not have to survive a power failure.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ])
  }

  async #startControllers(): Promise<void> {
    this.#start('kube-controller-manager', [
      `--kubeconfig=${await this.componentKubeconfig('kube-controller-manager')}`,
      `--service-account-private-key-file=${this.#identities.serviceAccountKey}`,
      `--root-ca-file=${join(this.#settings.directory, 'apiserver/apiserver.crt')}`,
      // Each controller has its own name, so that the audit log shows which one sent a request.
      '--use-service-account-credentials=true',
      '--leader-elect=false',
      // Nodes do not fail here, and their heartbeats would only fill the log.
      '--controllers=*,-node-lifecycle-controller',
      // The client's default of 20 requests a second would delay the start by 4 s.
      '--kube-api-qps=1000',
      '--kube-api-burst=1000',
      '--secure-port=0',
    ])
  }

  async #startScheduler(): Promise<void> {
    this.#start('kube-scheduler', [
      `--kubeconfig=${await this.componentKubeconfig('kube-scheduler')}`,
      '--leader-elect=false',
      '--secure-port=0',
    ])
  }

  async #startKwok(): Promise<void> {
    this.#start('kwok', [
      `--kubeconfig=${await this.componentKubeconfig('kwok')}`,
      `--config=${join(this.#settings.directory, 'kwok.yaml')}`,
      '--manage-all-nodes=true',
      '--node-lease-duration-seconds=0',
    ])
  }

  #start(component: Component, args: readonly string[]): RunningProgram {
    const { directory } = this.#settings
    const program = new RunningProgram({
      name: component,
      path: toolPath(component),
      args,
      directory,
      logFile: join(directory, `${component}.log`),
      // Keeps out the settings of the person who runs the tests, such as ~/.kwok/kwok.yaml.
      env: { HOME: directory, KUBECONFIG: '' },
    })
    this.#running.set(component, program)
    return program
  }
}
