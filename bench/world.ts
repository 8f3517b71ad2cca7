import { fileURLToPath } from 'node:url'
import { type Cluster, startCluster } from '../e2e/harness/cluster.ts'
import type { Digest } from '../e2e/harness/images.ts'
import { type Registry, startRegistry } from '../e2e/harness/registry.ts'
import type { SeenRequest } from '../e2e/harness/registry-door.ts'
import { BareApi } from './api.ts'

export const followedTag = 'env-prod'
/** As the audit log names the operator. */
export const operatorAgent = /^cvmanager\//
const namespace = 'bench'
export const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`
const containerVersions = `/apis/cvmanager.io/v1/namespaces/${namespace}/containerversions`
const crds = fileURLToPath(new URL('../crds', import.meta.url))
const atATime = 24

const nameOf = (index: number): string => `app-${String(index).padStart(4, '0')}`
export const repositoryOf = (name: string): string => `bench/${name}`
/** As the default `versionSyntax` wants it. */
export const versionTag = (number: number): string => number.toString(16).padStart(7, '0')

/**
 * A control plane and a registry, and N of each: a repository with a followed tag and a version tag, a Deployment
 * without pods that runs that version, a ContainerVersion that follows. Nobody has anything to do with them.
 */
export class World {
  readonly cluster: Cluster
  readonly registry: Registry
  readonly api: BareApi
  #size = 0
  #versions = 0

  private constructor(cluster: Cluster, registry: Registry, api: BareApi) {
    this.cluster = cluster
    this.registry = registry
    this.api = api
  }

  static async start(): Promise<World> {
    const cluster = await startCluster()
    try {
      const registry = await startRegistry()
      await cluster.kubectl('apply', '-f', crds)
      await cluster.kubectl('wait', '--for=condition=Established', 'crd/containerversions.cvmanager.io')
      await cluster.namespace(namespace)
      return new World(cluster, registry, await BareApi.from(cluster.kubeconfig))
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  get names(): readonly string[] {
    return Array.from({ length: this.#size }, (_, index) => nameOf(index))
  }

  async growTo(size: number): Promise<void> {
    const added = Array.from({ length: size - this.#size }, (_, index) => nameOf(this.#size + index))
    const version = versionTag(this.#versions++)
    await inParallel(added, async (name) => {
      const repository = repositoryOf(name)
      const { digest } = await this.registry.push(repository, [version, followedTag], { content: 'the same for all' })
      const image = `${this.registry.repository(repository)}:${version}@${digest}`
      await this.addDeployment(name, image)
      await this.api.create(containerVersions, {
        apiVersion: 'cvmanager.io/v1',
        kind: 'ContainerVersion',
        metadata: { name, namespace },
        spec: {
          imageRepo: this.registry.repository(repository),
          tag: followedTag,
          selector: { app: name },
        },
      })
    })
    this.#size = size
  }

  async addDeployment(name: string, image: string): Promise<void> {
    const labels = { app: name }
    await this.api.create(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image }] } },
      },
    })
  }

  /** A new image under a version tag of its own; the followed tag does not point at it yet. */
  async pushVersion(name: string): Promise<Digest> {
    const version = versionTag(this.#versions++)
    const { digest } = await this.registry.push(repositoryOf(name), version, { content: version })
    return digest
  }

  /** How many ContainerVersions say that all is as it should be. */
  async upToDate(): Promise<number> {
    const { items } = await this.api.get<{
      readonly items: readonly { readonly status?: { readonly phase?: string } }[]
    }>(containerVersions)
    return items.filter(({ status }) => status?.phase === 'UpToDate').length
  }

  async stop(): Promise<void> {
    await this.api.close()
    await Promise.all([this.cluster.stop(), this.registry.stop()])
  }
}

/** One look at a followed tag, as opposed to the search for the version that it stands for. */
export const isPoll = ({ method, path }: SeenRequest): boolean =>
  method === 'HEAD' && path.endsWith(`/manifests/${followedTag}`)

export const pollPathOf = (name: string): string => `/v2/${repositoryOf(name)}/manifests/${followedTag}`

export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
}
