import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ApiClient } from '../../operator/kubernetes/client.ts'
import { loadKubeConfig } from '../../operator/kubernetes/kube-config.ts'
import { type Cluster, startCluster } from '../harness/cluster.ts'
import { Kubelet } from '../harness/kubelet.ts'
import { type Registry, startRegistry } from '../harness/registry.ts'
import { Operator } from './operator.ts'
import { Sightings } from './sightings.ts'

/** The user that the audit log shows for cvmanager. */
export const operatorUser = 'system:serviceaccount:cvmanager:cvmanager'

/** Far more than any test file takes, even on a busy machine. */
const maxTestMs = 230_000

const root = join(import.meta.dirname, '../..')

/** The scenarios of one test file share a cluster with cvmanager's objects, a registry, and watches on everything. */
export interface Bed {
  readonly cluster: Cluster
  readonly registry: Registry
  /** Has the rights of an administrator. */
  readonly client: ApiClient
  readonly sightings: Sightings
  readonly kubelet: Kubelet
  /** Has exactly the rights of deploy/rbac.yaml. */
  readonly kubeconfig: string
  /** Starts `cvmanager run` with these rights, until the end of the test at the latest. */
  operator(options?: OperatorOptions): Promise<Operator>
}

export interface OperatorOptions {
  readonly name?: string
  readonly kubeconfig?: string
  readonly flags?: readonly string[]
  readonly registries?: readonly Registry[]
}

export async function startBed(t: Test): Promise<Bed> {
  t.setTimeout(maxTestMs)
  const [cluster, registry] = await Promise.all([startCluster(), startRegistry()])
  const operators: Operator[] = []
  t.teardown(async () => {
    await Promise.all(operators.map((operator) => operator.stop('SIGKILL')))
    await sightings?.stop()
    await client?.close()
    await kubelet?.stop()
    await Promise.all([cluster.stop(), registry.stop()])
  })
  let sightings: Sightings | undefined
  let client: ApiClient | undefined
  let kubelet: Kubelet | undefined

  await cluster.namespace('cvmanager')
  await cluster.kubectl('apply', '-f', join(root, 'crds'), '-f', join(root, 'deploy/rbac.yaml'))
  await cluster.established('containerversions.cvmanager.io')
  const kubeconfig = await cluster.serviceAccountKubeconfig('cvmanager', 'cvmanager')
  client = new ApiClient({ kubeConfig: loadKubeConfig({ file: cluster.kubeconfig }), version: 'e2e' })
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
  return { cluster, registry, client, sightings, kubelet, kubeconfig, operator }
}

/** Reads a file of the project, such as an example manifest, and replaces these words. */
export async function projectFile(path: string, replace: Readonly<Record<string, string>> = {}): Promise<string> {
  let text = await readFile(join(root, path), 'utf8')
  for (const [from, to] of Object.entries(replace)) text = text.replaceAll(from, to)
  return text
}
