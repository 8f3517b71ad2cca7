import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ApiClient } from '../../operator/kubernetes/client.ts'
import { loadKubeConfig } from '../../operator/kubernetes/kube-config.ts'
import { type Cluster, type ClusterOptions, startCluster } from '../harness/cluster.ts'
import { Kubelet } from '../harness/kubelet.ts'
import { type Registry, startRegistry } from '../harness/registry.ts'
import { Operator } from './operator.ts'
import { Sightings } from './sightings.ts'

/** The user that the audit log shows for cvmanager. */
export const operatorUser = 'system:serviceaccount:cvmanager:cvmanager'

/** Far more than any test file takes, even on a busy machine. */
const maxTestMs = 840_000

const root = join(import.meta.dirname, '../..')

/** A cluster with cvmanager's objects, and a registry. */
export interface Ground {
  readonly cluster: Cluster
  readonly registry: Registry
  /** Has the rights of an administrator. */
  readonly client: ApiClient
  /** Has exactly the rights of deploy/rbac.yaml. */
  readonly kubeconfig: string
  stop(): Promise<void>
}

/** The scenarios of one test file share a cluster, a registry, and watches on everything. */
export interface Bed extends Omit<Ground, 'stop'> {
  readonly sightings: Sightings
  readonly kubelet: Kubelet
  /** Starts `cvmanager run` with these rights, until the end of the test at the latest. */
  operator(options?: OperatorOptions): Promise<Operator>
}

export interface OperatorOptions {
  readonly name?: string
  readonly kubeconfig?: string
  readonly flags?: readonly string[]
  readonly registries?: readonly Registry[]
}

export async function openGround(options?: ClusterOptions): Promise<Ground> {
  const [cluster, registry] = await Promise.all([startCluster(options), startRegistry()])
  let client: ApiClient | undefined
  const stop = async () => {
    await client?.close()
    await Promise.all([cluster.stop(), registry.stop()])
  }
  try {
    await cluster.namespace('cvmanager')
    await cluster.kubectl('apply', '-f', join(root, 'crds'), '-f', join(root, 'deploy/rbac.yaml'))
    await cluster.established('containerversions.cvmanager.io')
    const kubeconfig = await cluster.serviceAccountKubeconfig('cvmanager', 'cvmanager')
    client = new ApiClient({ kubeConfig: loadKubeConfig({ file: cluster.kubeconfig }), version: 'e2e' })
    return { cluster, registry, client, kubeconfig, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

export async function startBed(t: Test): Promise<Bed> {
  t.setTimeout(maxTestMs)
  const { stop, ...ground } = await openGround()
  const { cluster, registry, client, kubeconfig } = ground
  const operators: Operator[] = []
  let sightings: Sightings | undefined
  let kubelet: Kubelet | undefined
  t.teardown(async () => {
    await Promise.all(operators.map((operator) => operator.stop('SIGKILL')))
    await sightings?.stop()
    await kubelet?.stop()
    await stop()
  })
  kubelet = await Kubelet.startFor(cluster)
  sightings = await Sightings.start(client)

  const operator = async (options: OperatorOptions = {}): Promise<Operator> => {
    const { registries = [registry] } = options
    const started = await Operator.start({
      kubeconfig,
      directory: cluster.directory,
      insecureRegistries: registries.map(({ host }) => host),
      ...options,
    })
    operators.push(started)
    return started
  }
  return { ...ground, sightings, kubelet, operator }
}

/** Reads a file of the project, such as an example manifest, and replaces these words. */
export async function projectFile(path: string, replace: Readonly<Record<string, string>> = {}): Promise<string> {
  let text = await readFile(join(root, path), 'utf8')
  for (const [from, to] of Object.entries(replace)) text = text.replaceAll(from, to)
  return text
}
